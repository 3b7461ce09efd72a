// The console port: health, metrics, and the admin API through which commands reach the process that owns the data folder.
import { timingSafeEqual } from 'node:crypto'
import { Readable } from 'node:stream'
import Fastify, { type FastifyInstance } from 'fastify'
import { asMillraceError, MillraceError } from '#ports/errors'
import type { JsonObject } from '#schemas/json'
import { emitFigures } from './figures.ts'
import { blocking, healthParts, overall } from './health.ts'
import { runOperation } from './operations/run.ts'
import type { Platform } from './platform.ts'
import type { ProcessTelemetry } from './telemetry.ts'

export interface ConsoleDependencies {
  readonly platform: Platform
  readonly telemetry: ProcessTelemetry
  /** What callers of the admin API must send as a bearer token. */
  readonly token: string
  /** Requests that each server is answering at the moment. */
  readonly inFlight: Readonly<Record<'event' | 'query', () => number>>
}

/** One line of an admin reply: what a command is told while an operation runs, and how it ended. */
export type AdminLine =
  | { readonly progress: { step: string; done: number; total: number; unit: string } }
  | { readonly note: string }
  | { readonly result: unknown }
  | { readonly error: { code: string; message: string; hint: string } }

/**
 * `GET /alive`: the process answers. `GET /ready`: events and queries can be answered (200 or 503). `GET /health`: every part,
 * with a hint where it is not well (503 when one has failed). `GET /metrics`: Prometheus text.
 */
export function createConsoleServer(dependencies: ConsoleDependencies): FastifyInstance {
  const { platform, telemetry, token, inFlight } = dependencies
  const server = Fastify({ logger: false, forceCloseConnections: 'idle' })
  const alive = { status: 'alive' }
  server.get('/', (_request, reply) => reply.send(alive))
  server.get('/alive', (_request, reply) => reply.send(alive))
  server.get('/ready', async (_request, reply) => {
    const parts = blocking(await platform.health())
    if (parts.length === 0) return reply.send({ status: 'ready' })
    return reply.code(503).send({ status: 'not ready', parts })
  })
  server.get('/health', async (_request, reply) => {
    const parts = await healthParts(platform)
    const status = overall(parts)
    return reply.code(status === 'failed' ? 503 : 200).send({ status, parts })
  })
  server.get('/metrics', async (_request, reply) => {
    await emitFigures(platform, telemetry)
    for (const server of ['event', 'query'] as const) {
      telemetry.emit('millrace_requests_in_flight', inFlight[server](), { server })
    }
    return reply.type('text/plain; version=0.0.4').send(await telemetry.exposition())
  })
  server.post<{ Params: { name: string }; Body: JsonObject }>(
    '/admin/operations/:name',
    (request, reply) => {
      if (!authorised(request.headers.authorization, token)) {
        const error = new MillraceError('ACCESS_KEY_INVALID')
        return reply.code(401).send(error)
      }
      return reply
        .type('application/x-ndjson')
        .send(Readable.from(lines(platform, request.params.name, request.body, request.raw)))
    },
  )
  return server
}

function authorised(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header ?? '')
  const wanted = Buffer.from(`Bearer ${token}`)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

/** Runs the operation; when the caller goes away it is told by the signal, and decides itself what that means. */
async function* lines(
  platform: Platform,
  name: string,
  args: JsonObject,
  caller: NodeJS.ReadableStream & {
    socket: { once(event: 'close', listener: () => void): unknown }
  },
): AsyncGenerator<string> {
  const pending: AdminLine[] = []
  let wake: () => void = () => {}
  const tell = (line: AdminLine): void => {
    pending.push(line)
    wake()
  }
  const gone = new AbortController()
  caller.socket.once('close', () => gone.abort())
  let over = false
  const context = {
    signal: gone.signal,
    progress: (progress: { step: string; done: number; total: number; unit: string }) =>
      tell({ progress }),
    note: (note: string) => tell({ note }),
  }
  runOperation(platform, name, args, context)
    .then((result) => tell({ result }))
    .catch((error: unknown) => tell({ error: asMillraceError(error).toJSON() }))
    .finally(() => {
      over = true
      wake()
    })
  while (!over || pending.length > 0) {
    const line = pending.shift()
    if (line !== undefined) yield `${JSON.stringify(line)}\n`
    else {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
}
