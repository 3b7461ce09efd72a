import type { FastifyInstance } from 'fastify'
import { MillraceError } from '#ports/errors'
import type { HarnessFace } from '../../harness-face.ts'
import { sendComment, sendJson } from '../../reply.ts'
import type { HarnessGuard } from './guard.ts'

/** `/engines/<id>/jobs` and `/engines/<id>/imports`: trainings and imports, started and cancelled. */
export function registerHarnessJobs(
  app: FastifyInstance,
  guard: HarnessGuard,
  face: HarnessFace,
): void {
  app.post(
    '/engines/:engine/jobs',
    guard.about('admin', async ({ engine, reply }) =>
      sendJson(reply, 200, JSON.stringify(await face.train(engine))),
    ),
  )

  app.delete(
    '/engines/:engine/jobs/:job',
    guard.about('admin', async ({ engine, request, reply }) => {
      const job = request.params.job ?? ''
      await face.cancel(engine, job)
      return sendComment(reply, 200, `Job ${job} cancelled`)
    }),
  )

  app.post(
    '/engines/:engine/imports',
    guard.about('machine', async ({ engine, request, reply }) => {
      const { import_path: path } = request.query as { import_path?: unknown }
      if (typeof path !== 'string') {
        const reason = 'one absolute path of a file or a folder is needed'
        throw new MillraceError('PARAMETER_INVALID', { name: 'import_path', reason })
      }
      return sendJson(reply, 200, JSON.stringify(await face.import(engine, path)))
    }),
  )
}
