// The event server: PredictionIO's REST API over the log and the event store.
//
//   request ─▶ route guard ─▶ key guard ─▶ body ─▶ rules ─▶ key's events ─▶ record ─▶ log ─▶ 201
//              414 404 405    401 406      415 400  429 400  403                      503
//   reads:     … ─▶ key guard ─▶ read barrier ─▶ event store ─▶ 200, 404
//                                503
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import type { Directory } from '#ports/directory'
import { asMillraceError, MillraceError } from '#ports/errors'
import type { SchemaRegistry } from '#ports/schema-registry'
import type { Telemetry } from '#ports/telemetry'
import { createAccess } from './access.ts'
import { FORM_TYPE, registerBodyParser } from './body.ts'
import type { IngestContext } from './context.ts'
import { createKeyGuard, createRouteGuard, openGuard } from './guard.ts'
import type { Intake } from './intake.ts'
import type { IngestLimits } from './limits.ts'
import { parseParameters } from './parameters.ts'
import {
  JSON_TYPE,
  sendError,
  sendNotFoundText,
  sendRefusal,
  sendText,
  sendTextError,
} from './reply.ts'
import { registerAlive } from './routes/alive.ts'
import { registerCreateBatch } from './routes/create-batch.ts'
import { registerCreateEvent } from './routes/create-event.ts'
import { registerDeleteEvent } from './routes/delete-event.ts'
import { registerFindEvents } from './routes/find-events.ts'
import { registerGetEvent } from './routes/get-event.ts'
import { registerPlugins } from './routes/plugins.ts'
import { registerRegistry } from './routes/registry.ts'
import { registerStats } from './routes/stats.ts'
import { registerWebhooks } from './routes/webhooks.ts'

export interface EventServerDeps {
  readonly directory: Directory
  readonly intake: Intake
  /** Null where there are no direct producers. */
  readonly registry?: SchemaRegistry | null
}

/** The event server, not listening yet. Closing it waits for the requests under way and closes nothing it was given. */
export function createEventServer(deps: EventServerDeps): FastifyInstance {
  const { directory, intake, registry = null } = deps
  const { limits, telemetry } = intake
  const access = createAccess(directory)
  const context: IngestContext = {
    ...intake,
    guard: createKeyGuard(access, limits),
    open: openGuard,
  }
  const app = Fastify({
    logger: false,
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    connectionTimeout: limits.idleTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    routerOptions: {
      maxParamLength: limits.eventUriCharactersMax,
      querystringParser: (text) => parseParameters(text) as unknown as Record<string, unknown>,
    },
    frameworkErrors: (error, _request, reply) => {
      if (error.code === 'FST_ERR_MAX_PARAM_LENGTH') {
        const limit = limits.eventUriCharactersMax
        sendTextError(reply, new MillraceError('URI_TOO_LONG', { limit }))
      } else sendText(reply, 400, 'PARAMETER_INVALID', 'Illegal request-target')
    },
  })
  app.decorateRequest('ingestGrant', null)
  app.addHook('onRequest', createRouteGuard(limits))
  app.setNotFoundHandler((_request, reply) => sendNotFoundText(reply))
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    sendFailure(error, request, reply, limits, telemetry)
  })
  registerBodyParser(app, limits.bodyBytesMax)
  for (const register of ROUTES) register(app, context)
  if (registry !== null) {
    const guard = createKeyGuard(access, limits, (_request, _reply, done) => done())
    void app.register((part, _options, ready) => {
      registerRegistry(part, guard, registry)
      ready()
    })
  }
  return app
}

const ROUTES = [
  registerAlive,
  registerCreateEvent,
  registerCreateBatch,
  registerFindEvents,
  registerGetEvent,
  registerDeleteEvent,
  registerPlugins,
  registerStats,
  registerWebhooks,
] as const

/** Answers what a route or fastify threw. */
function sendFailure(
  error: FastifyError | MillraceError,
  request: FastifyRequest,
  reply: FastifyReply,
  limits: IngestLimits,
  telemetry: Telemetry,
): void {
  if (!(error instanceof MillraceError)) {
    if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
      const contentLength = Number(request.headers['content-length'])
      const size = Number.isNaN(contentLength) ? 'None' : `Some(${contentLength})`
      const message = `EntityStreamSizeException: actual entity size (${size}) exceeded content length limit (${limits.bodyBytesMax} bytes)! ${SIZE_HINT}`
      sendRefusal(reply, 400, 'BODY_TOO_LARGE', message)
      return
    }
    if (error.statusCode === 415) {
      const expected = /\.form(?:\?|$)/.test(request.url) ? FORM_TYPE : JSON_TYPE
      sendTextError(reply, new MillraceError('CONTENT_TYPE_UNSUPPORTED', { expected }))
      return
    }
    if (error.statusCode !== undefined && error.statusCode < 500) {
      sendRefusal(reply, error.statusCode, 'BODY_INVALID', error.message)
      return
    }
  }
  const ours = asMillraceError(error)
  if (ours.code === 'INTERNAL') {
    telemetry.log('error', 'ingest-request-failed', { reason: error.message, stack: error.stack })
  }
  sendError(reply, ours, limits.retryAfterSeconds)
}

const SIZE_HINT =
  'You can configure this by setting `akka.http.[server|client].parsing.max-content-length` or calling `HttpEntity.withSizeLimit` before materializing the dataBytes stream.'
