// `start`: the platform with its servers, until SIGTERM or SIGINT; then it drains.

import type { Command } from 'commander'
import type { LogLevel } from '#ports/telemetry'
import type { Config } from '../wiring/config.ts'
import { openPlatform, type Platform } from '../wiring/platform.ts'
import { ALL_ROLES, ROLES, type Role, rolesOf } from '../wiring/roles.ts'
import { type Addresses, startServers } from '../wiring/servers.ts'
import { createTelemetry } from '../wiring/telemetry.ts'
import { configOf, type ServerOptions, withServerOptions } from './options.ts'
import { note, printJson } from './output.ts'

export interface Running {
  readonly platform: Platform
  readonly addresses: Addresses
  /** Stops accepting, applies what was accepted, closes everything. */
  stop(): Promise<void>
}

export function addStartCommand(root: Command): void {
  withServerOptions(root.command('start'))
    .description('start the platform and keep it running')
    .option('--roles <list>', `some of ${ROLES.join(',')} (all, where ports are embedded)`)
    .action(start)
}

async function start(options: ServerOptions & { roles?: string }): Promise<void> {
  const config = configOf(options)
  const roles = options.roles === undefined ? ALL_ROLES : rolesOf(options.roles, config.ports)
  const running = await startPlatform(config, roles)
  const { event, query, console } = running.addresses
  if (options.json) printJson({ event, query, console })
  else {
    if (event !== null) note(`event server  ${event}`)
    if (query !== null) note(`query server  ${query}`)
    note(`console       ${console}`)
    note('Millrace is running. Stop it with Ctrl-C or: millrace stop')
  }
  await stopped()
  note('stopping: applying what was accepted …')
  await running.stop()
}

/** Opens the platform and its servers. @throws MillraceError as openPlatform and startServers do */
export async function startPlatform(
  config: Config,
  roles: ReadonlySet<Role> = ALL_ROLES,
): Promise<Running> {
  const level = (process.env.MILLRACE_LOG_LEVEL ?? 'warn') as LogLevel
  const telemetry = createTelemetry({ level, json: !process.stderr.isTTY, write: note })
  const platform = await openPlatform({ ...config, telemetry, roles })
  try {
    const servers = await startServers(platform, telemetry, config)
    const stop = async (): Promise<void> => {
      await servers.close()
      await platform.close()
    }
    return { platform, addresses: servers.addresses, stop }
  } catch (error) {
    await platform.close()
    throw error
  }
}

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. */
export function stopped(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false
    const stop = (): void => {
      if (asked) process.exit(130)
      asked = true
      resolve()
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
  })
}
