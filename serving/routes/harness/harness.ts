// Harness' HTTP face (`serving.harness`): its addresses, statuses and bodies over the same engines.
//
//   request ─▶ key (none on this machine, unless a browser asks) ─▶ may it? ─▶ engine of the key's app ─▶ face ─▶ 200, 201
//              401                                                  403        404
import type { FastifyInstance } from 'fastify'
import type { Directory } from '#ports/directory'
import { MillraceError } from '#ports/errors'
import type { Telemetry } from '#ports/telemetry'
import type { HarnessFace } from '../../harness-face.ts'
import type { ServingLimits } from '../../limits.ts'
import type { QueryHandler } from '../queries.ts'
import { registerHarnessEngines } from './engines.ts'
import { createHarnessGuard } from './guard.ts'
import { registerHarnessJobs } from './jobs.ts'
import { registerHarnessUsers } from './users.ts'

export interface HarnessOptions {
  readonly face: HarnessFace
  readonly directory: Directory
  readonly query: QueryHandler
  readonly telemetry: Telemetry
  readonly limits: ServingLimits
}

export function registerHarness(app: FastifyInstance, options: HarnessOptions): void {
  const guard = createHarnessGuard(options)
  registerHarnessEngines(app, guard, options)
  registerHarnessJobs(app, guard, options.face)
  registerHarnessUsers(app, guard, options)
  for (const path of ['/system', '/system/health']) {
    app.get(
      path,
      guard.open(async () => {
        const details = { call: `GET ${path}`, command: 'millrace status' }
        throw new MillraceError('HARNESS_CALL_UNSERVED', details)
      }),
    )
  }
}
