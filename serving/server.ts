// The query server: PredictionIO's POST /queries.json, and the same for each engine by its id, over the event store and
// the item index.
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify'
import type { Clock } from '#ports/clock'
import type { Directory } from '#ports/directory'
import { asMillraceError, MillraceError } from '#ports/errors'
import type { EventStore } from '#ports/event-store'
import type { ItemIndex } from '#ports/item-index'
import type { Telemetry } from '#ports/telemetry'
import type { Watermarks } from '#ports/watermarks'
import { parseJson } from '#schemas/lenient-json'
import { createQueryAccess } from './access.ts'
import { createDeadlines } from './deadline.ts'
import { createEngineRegistry } from './engines/registry.ts'
import { createFreshness } from './freshness.ts'
import type { HarnessFace } from './harness-face.ts'
import { SERVING_LIMITS, type ServingLimits } from './limits.ts'
import { sendError } from './reply.ts'
import { registerAlive } from './routes/alive.ts'
import { registerHarness } from './routes/harness/harness.ts'
import { registerQueries } from './routes/queries.ts'

export interface QueryServerDeps {
  readonly directory: Directory
  readonly store: EventStore
  readonly index: ItemIndex
  readonly watermarks: Watermarks
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Queries need no key from anywhere; otherwise only on the loopback address. */
  readonly open?: boolean
  /** What Harness' HTTP face needs; without it there is none. */
  readonly harness?: HarnessFace
  /** Limits other than SERVING_LIMITS. */
  readonly limits?: Partial<ServingLimits>
}

/** The query server, not listening yet. Closing it waits for the queries under way and closes nothing it was given. */
export function createQueryServer(deps: QueryServerDeps): FastifyInstance {
  const limits: ServingLimits = { ...SERVING_LIMITS, ...deps.limits }
  const { clock, directory, index, store, telemetry, watermarks } = deps
  const app = Fastify({
    logger: false,
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    connectionTimeout: limits.idleTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    routerOptions: { maxParamLength: limits.idCharactersMax },
    frameworkErrors: (_error, _request, reply) => {
      const error = new MillraceError('NOT_FOUND', { what: 'What this address names' })
      void sendError(reply as FastifyReply, error, limits.retryAfterSeconds)
    },
  })
  registerBodyParser(app)
  app.setNotFoundHandler((request, reply) => {
    const what = `${request.method} ${request.url.split('?')[0]}`
    return sendError(reply, new MillraceError('NOT_FOUND', { what }), limits.retryAfterSeconds)
  })
  app.setErrorHandler<FastifyError>((error, _request, reply) => {
    const ours = refusalOf(error, limits)
    if (ours.code === 'INTERNAL') {
      telemetry.log('error', 'query-request-failed', { reason: error.message, stack: error.stack })
    }
    return sendError(reply, ours, limits.retryAfterSeconds)
  })
  const deadlines = createDeadlines(clock)
  registerAlive(app)
  const query = registerQueries(app, {
    access: createQueryAccess(directory, deps.open ?? false),
    engines: createEngineRegistry(directory, { store, index, clock, telemetry, deadlines }),
    freshness: createFreshness(watermarks, store),
    clock,
    telemetry,
    limits,
  })
  if (deps.harness !== undefined) {
    registerHarness(app, { face: deps.harness, directory, query, telemetry, limits })
  }
  return app
}

/** Any Content-Type is read as JSON, and leniently: old clients send bodies that miss commas. */
function registerBodyParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    done(null, parseJson(body as string))
  })
}

/** What fastify refused, in our words. */
function refusalOf(error: FastifyError, limits: ServingLimits): MillraceError {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new MillraceError('BODY_TOO_LARGE', { limit: limits.bodyBytesMax })
  }
  const status = error.statusCode ?? 500
  if (status < 500) return new MillraceError('QUERY_INVALID', { reason: error.message })
  return asMillraceError(error)
}
