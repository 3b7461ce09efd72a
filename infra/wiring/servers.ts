// The three servers in front of a platform, and the clock of its schedules, which runs as long as they do. `GET /` answers
// on a port only when its role is ready: a server listens last.
import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { MillraceError } from '#ports/errors'
import type { Closable } from '#ports/lifecycle'
import { startScheduler } from '../../batch/scheduler.ts'
import { createIntake } from '../../ingest/intake.ts'
import { createEventServer } from '../../ingest/server.ts'
import { createQueryServer } from '../../serving/server.ts'
import { closeServer } from './close-server.ts'
import type { Config } from './config.ts'
import { createConsoleServer } from './console-server.ts'
import { createHarnessFace } from './harness-face.ts'
import { countInFlight } from './in-flight.ts'
import { startInboxes } from './inboxes.ts'
import type { Platform } from './platform.ts'
import type { ProcessTelemetry } from './telemetry.ts'

export interface Addresses {
  /** null: another process has this role. */
  readonly event: string | null
  readonly query: string | null
  readonly console: string
}

export interface Servers {
  readonly addresses: Addresses
  /** Stops accepting, lets what runs end, then closes. */
  close(): Promise<void>
}

type Listen = Pick<
  Config,
  | 'ip'
  | 'eventPort'
  | 'queryPort'
  | 'consolePort'
  | 'servingOpen'
  | 'servingHarness'
  | 'ingestStats'
  | 'eventsPerSecond'
>

/**
 * Starts the event, query and console servers and writes `addresses.json`.
 * @throws MillraceError PORT_IN_USE, LISTEN_FAILED
 */
export async function startServers(
  platform: Platform,
  telemetry: ProcessTelemetry,
  config: Listen,
): Promise<Servers> {
  const { roles } = platform
  const token = randomBytes(32).toString('base64url')
  const { servingOpen: open, servingHarness, ingestStats: stats, eventsPerSecond } = config
  const intake = createIntake({ ...platform, stats, limits: { eventsPerSecond } })
  const registry = platform.direct?.registry ?? null
  const event = createEventServer({ ...platform, intake, registry })
  const harness = servingHarness ? { harness: createHarnessFace(platform, intake) } : {}
  const query = createQueryServer({ ...platform, open, ...harness })
  const inFlight = { event: countInFlight(event.server), query: countInFlight(query.server) }
  const admin = createConsoleServer({ platform, telemetry, token, inFlight })
  const servers = [event, query, admin]
  const running: Closable[] = []
  const close = async (): Promise<void> => {
    for (const part of running) await part.close()
    const closed = Promise.all(servers.map((server) => closeServer(server, platform.clock)))
    // A command that waits for a job is a request too: it is answered when the queue lets go of the job.
    await platform.queue.close()
    await closed
  }
  try {
    const addresses = {
      event: roles.has('ingest')
        ? await listen(event, 'event server', config.ip, config.eventPort, '--event-port')
        : null,
      query: roles.has('serving')
        ? await listen(query, 'query server', config.ip, config.queryPort, '--query-port')
        : null,
      console: await listen(admin, 'console', config.ip, config.consolePort, '--console-port'),
    }
    await platform.folder.writeAddresses({ pid: process.pid, token, ...addresses })
    if (roles.has('batch')) running.push(startScheduler(platform))
    const inboxes = roles.has('ingest') ? startInboxes(platform, intake) : null
    if (inboxes !== null) {
      running.push(inboxes)
      platform.parts.add(inboxes)
    }
    return { addresses, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function listen(
  server: FastifyInstance,
  name: string,
  host: string,
  port: number,
  flag: string,
): Promise<string> {
  try {
    await server.listen({ host, port })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const address = `${host}:${port}`
    if (code === 'EADDRINUSE')
      throw new MillraceError('PORT_IN_USE', { server: name, address, flag })
    throw new MillraceError('LISTEN_FAILED', { server: name, address, flag, reason: message })
  }
  const { port: bound } = server.server.address() as AddressInfo
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`
}
