// Who may make which call of Harness, and to which engine.
import type { FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify'
import type { Directory } from '#ports/directory'
import { asMillraceError, MillraceError } from '#ports/errors'
import type { Telemetry } from '#ports/telemetry'
import type { AccessKey, Engine } from '#schemas/directory'
import { normalised } from '#schemas/engines/parse'
import { createKeyAccess } from '../../access.ts'
import type { ServingLimits } from '../../limits.ts'
import { sendCommentError } from '../../reply.ts'

/**
 * Who may call, beside this machine: every key of the engine's app; those of its keys that may send all events; nobody.
 * The first two are Harness' roles `client` and `admin`.
 */
export type Caller = 'client' | 'admin' | 'machine'

const MEND: Readonly<Record<Exclude<Caller, 'client'>, string>> = {
  admin: 'Use a key of the app that is not limited to some event names.',
  machine: 'Call from the machine of the server, or use the command line there.',
}

export type Named = FastifyRequest<{ Params: { engine: string; user?: string; job?: string } }>

/** A call about one engine. */
export interface EngineCall {
  readonly engine: Engine
  /** As the caller names it: Harness' ids are less strict. */
  readonly name: string
  readonly key: AccessKey | null
  readonly request: Named
  readonly reply: FastifyReply
}

export interface HarnessGuard {
  /** A route for everybody; what it throws is answered in Harness' form. */
  open(answer: (request: Named, reply: FastifyReply) => Promise<FastifyReply>): RouteHandlerMethod
  /** A route about one engine: 401, 403 and 404 before it. */
  about(caller: Caller, answer: (call: EngineCall) => Promise<FastifyReply>): RouteHandlerMethod
  /**
   * The key of a request, null on this machine.
   * @throws MillraceError ACCESS_KEY_MISSING, ACCESS_KEY_INVALID, HARNESS_CALL_FORBIDDEN
   */
  allow(request: FastifyRequest, caller: Caller): AccessKey | null
  /** The engine of an id as Harness allows it: `My_Shop` is `my-shop`. */
  engineNamed(name: string): Engine | undefined
}

export interface HarnessGuardOptions {
  readonly directory: Directory
  readonly telemetry: Telemetry
  readonly limits: ServingLimits
}

/** How this machine is called by those who are on it. */
const HERE = /^(?:localhost|127(?:\.\d+){3}|0\.0\.0\.0|\[?::1\]?)$/i

/**
 * A page in a browser on this machine reaches its addresses too, and has to bring a key. It tells by its `Origin`, and where
 * it sends none, since its own name was made to point here, by that name.
 */
function mayBePage({ headers, hostname }: FastifyRequest): boolean {
  return headers.origin !== undefined || !HERE.test(hostname)
}

export function createHarnessGuard(options: HarnessGuardOptions): HarnessGuard {
  const { directory, limits, telemetry } = options
  const keyOf = createKeyAccess(directory, false)

  function engineOf(name: string, key: AccessKey | null): Engine {
    const engine = guard.engineNamed(name)
    if (engine === undefined || (key !== null && key.appId !== engine.appId)) {
      throw new MillraceError('ENGINE_NOT_FOUND', { engine: name })
    }
    return engine
  }

  function fail(reply: FastifyReply, error: unknown): FastifyReply {
    const ours = asMillraceError(error)
    if (ours.code === 'INTERNAL') {
      const { stack } = error as Error
      telemetry.log('error', 'harness-call-failed', { reason: ours.message, stack })
    }
    return sendCommentError(reply, ours, limits.retryAfterSeconds)
  }

  const guard: HarnessGuard = {
    open: (answer) => async (request, reply) => {
      try {
        return await answer(request as Named, reply)
      } catch (error) {
        return fail(reply, error)
      }
    },
    about: (caller, answer) =>
      guard.open((request, reply) => {
        const key = guard.allow(request, caller)
        const name = request.params.engine
        return answer({ engine: engineOf(name, key), name, key, request, reply })
      }),
    allow(request, caller) {
      const key = keyOf(request, !mayBePage(request))
      if (key === null || caller === 'client') return key
      if (caller === 'admin' && key.events.length === 0) return key
      const call = `${request.method} ${request.routeOptions.url}`
      throw new MillraceError('HARNESS_CALL_FORBIDDEN', { call, mend: MEND[caller] })
    },
    engineNamed(name) {
      const { engines } = directory.state
      return engines.get(name) ?? engines.get(normalised(name))
    },
  }
  return guard
}
