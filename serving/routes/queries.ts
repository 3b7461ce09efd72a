// POST /queries.json and /engines/<id>/queries.json: one query to one engine.
//
//   request ─▶ access ─▶ in flight? ─▶ body ─▶ engine ─▶ position ─▶ query half ─▶ 200
//              401       503           400     404       (waits)     400
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '#ports/clock'
import { asMillraceError, MillraceError } from '#ports/errors'
import type { Telemetry } from '#ports/telemetry'
import type { JsonReading } from '#schemas/lenient-json'
import type { QueryAccess } from '../access.ts'
import type { QueryAnswer } from '../engines/query-half.ts'
import type { EngineRegistry, ServedEngine } from '../engines/registry.ts'
import { type Freshness, POSITION_HEADER } from '../freshness.ts'
import type { ServingLimits } from '../limits.ts'
import { headerText, sendError, sendJson } from '../reply.ts'

export interface QueriesOptions {
  readonly access: QueryAccess
  readonly engines: EngineRegistry
  readonly freshness: Freshness
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly limits: ServingLimits
}

/** Share of the budget that waiting for a position may take; the history gets what is left. */
const FRESH_SHARE = 0.75

/** The engine's name in metrics when there is none: names that clients made up must not become labels. */
const NO_ENGINE = 'none'

interface Answered extends QueryAnswer {
  readonly served: ServedEngine
  readonly fresh: boolean
}

/** Answers one query to an engine, the default one for null; a refusal is sent in the form that the route has. */
export type QueryHandler = (
  request: FastifyRequest,
  reply: FastifyReply,
  engineId: string | null,
  refuse?: typeof sendError,
) => Promise<FastifyReply>

/** Registers the routes and returns what answers them, for routes of other names. */
export function registerQueries(app: FastifyInstance, options: QueriesOptions): QueryHandler {
  const { access, clock, engines, freshness, limits, telemetry } = options
  let inFlight = 0

  async function answer(
    request: FastifyRequest,
    engineId: string | null,
    grant: number | null,
    deadline: number,
  ): Promise<Answered> {
    const body = bodyOf(request.body as JsonReading | undefined)
    let served = engines.resolve(engineId, grant)
    let fresh = true
    const position = request.headers[POSITION_HEADER]
    if (typeof position === 'string') {
      const reached = freshness.reached(position, limits.budgetMs * FRESH_SHARE)
      fresh = typeof reached === 'boolean' ? reached : await reached
      served = engines.resolve(engineId, grant)
    }
    for (;;) {
      try {
        return { ...(await served.half.answer(body, deadline)), served, fresh }
      } catch (error) {
        // The version was retired under this query: the one that answers now takes it.
        if (!(error instanceof MillraceError) || error.code !== 'INDEX_VERSION_UNKNOWN') throw error
        const now = engines.resolve(engineId, grant)
        if (now.versionId === served.versionId) throw error
        served = now
      }
    }
  }

  async function handle(
    request: FastifyRequest,
    reply: FastifyReply,
    engineId: string | null,
    refuse: typeof sendError = sendError,
  ): Promise<FastifyReply> {
    const started = clock.monotonic()
    let engine = NO_ENGINE
    try {
      const grant = access(request)
      if (inFlight >= limits.inFlightMax) {
        throw new MillraceError('QUERY_OVERLOADED', { limit: limits.inFlightMax })
      }
      inFlight++
      let answered: Answered
      try {
        answered = await answer(request, engineId, grant, started + limits.budgetMs)
      } finally {
        inFlight--
      }
      engine = answered.served.engineId
      void reply.header('millrace-version', answered.served.versionId)
      describe(reply, engine, answered, telemetry)
      telemetry.emit('millrace_queries_total', 1, { engine, status: '200' })
      telemetry.emit('millrace_query_ms', clock.monotonic() - started, { engine })
      return sendJson(reply, 200, answered.body)
    } catch (error) {
      const ours = asMillraceError(error)
      if (ours.code === 'INTERNAL') {
        const { stack } = error as Error
        telemetry.log('error', 'query-failed', { reason: ours.message, stack })
      }
      telemetry.emit('millrace_queries_total', 1, { engine, status: String(ours.status) })
      return refuse(reply, ours, limits.retryAfterSeconds)
    }
  }

  app.post('/queries.json', (request, reply) => handle(request, reply, null))
  app.post<{ Params: { engine: string } }>('/engines/:engine/queries.json', (request, reply) =>
    handle(request, reply, request.params.engine),
  )
  return handle
}

/** Headers for what the answer lacks and what the query said in vain. */
function describe(
  reply: FastifyReply,
  engine: string,
  { degraded, warnings, fresh }: Answered,
  telemetry: Telemetry,
): void {
  if (degraded.length > 0 || !fresh) {
    const lacks = fresh ? degraded : ['fresh', ...degraded]
    void reply.header('millrace-degraded', headerText(lacks))
    for (const lack of lacks) telemetry.emit('millrace_query_degraded_total', 1, { engine, lack })
  }
  if (warnings.length > 0) void reply.header('millrace-warning', headerText(warnings))
}

/** @throws MillraceError QUERY_INVALID */
function bodyOf(reading: JsonReading | undefined): unknown {
  if (reading?.ok && reading.value !== undefined) return reading.value
  const reason =
    reading === undefined || reading.ok
      ? 'the body holds no whole JSON object; at least {} is expected'
      : `the body is no JSON: ${reading.message}`
  throw new MillraceError('QUERY_INVALID', { reason })
}
