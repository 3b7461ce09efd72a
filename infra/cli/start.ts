// `start`: the platform with its servers, until SIGTERM or SIGINT; then it drains.

import type { Command } from 'commander'
import { MillraceError } from '#ports/errors'
import type { LogLevel } from '#ports/telemetry'
import type { Config } from '../wiring/config.ts'
import { openPlatform, type Platform } from '../wiring/platform.ts'
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

const ROLES = ['ingest', 'streams', 'batch', 'serving']

export function addStartCommand(root: Command): void {
  withServerOptions(root.command('start'))
    .description('start the platform and keep it running')
    .option('--roles <list>', `some of ${ROLES.join(',')} (embedded ports need all)`)
    .action(start)
}

async function start(options: ServerOptions & { roles?: string }): Promise<void> {
  checkRoles(options.roles)
  const running = await startPlatform(configOf(options))
  const { event, query, console } = running.addresses
  if (options.json) printJson({ event, query, console })
  else {
    note(`event server  ${event}`)
    note(`query server  ${query}`)
    note(`console       ${console}`)
    note('Millrace is running. Stop it with Ctrl-C or: millrace stop')
  }
  await stopped()
  note('stopping: applying what was accepted …')
  await running.stop()
}

function checkRoles(roles: string | undefined): void {
  if (roles === undefined) return
  const asked = roles.split(',')
  const unknown = asked.find((role) => !ROLES.includes(role))
  if (unknown !== undefined) {
    throw new MillraceError('USAGE', {
      reason: `there is no role ${unknown}; roles are ${ROLES.join(', ')}`,
      command: 'start',
    })
  }
  if (ROLES.every((role) => asked.includes(role))) return
  throw new MillraceError('CONFIG_UNSUPPORTED', {
    where: '--roles',
    value: roles,
    supported: `all roles: log (lmdb:), store (lmdb:), index (arrays:) and queue (lmdb:) are embedded and belong to one process`,
  })
}

/** Opens the platform and its servers. @throws MillraceError as openPlatform and startServers do */
export async function startPlatform(config: Config): Promise<Running> {
  const level = (process.env.MILLRACE_LOG_LEVEL ?? 'warn') as LogLevel
  const telemetry = createTelemetry({ level, json: !process.stderr.isTTY, write: note })
  const platform = await openPlatform({ ...config, telemetry })
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
