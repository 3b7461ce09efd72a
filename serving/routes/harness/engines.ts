import type { FastifyInstance } from 'fastify'
import type { Directory } from '#ports/directory'
import type { Engine } from '#schemas/directory'
import type { HarnessFace } from '../../harness-face.ts'
import { sendComment, sendJson } from '../../reply.ts'
import { objectIn } from './body.ts'
import type { HarnessGuard } from './guard.ts'

export interface HarnessEnginesOptions {
  readonly face: HarnessFace
  readonly directory: Directory
}

/** `/engines`, `/engines/<id>` and `/engines/<id>/configs`: engines made, shown, changed and removed. */
export function registerHarnessEngines(
  app: FastifyInstance,
  guard: HarnessGuard,
  { directory, face }: HarnessEnginesOptions,
): void {
  async function statusOf(engine: Engine): Promise<object> {
    const { id: engineId, variant: engineParams } = engine
    return { engineId, engineParams, jobStatuses: await face.jobs(engine) }
  }

  app.get(
    '/engines',
    guard.open(async (request, reply) => {
      const key = guard.allow(request, 'admin')
      const engines = [...directory.state.engines.values()]
      const own = engines.filter(({ appId }) => key === null || key.appId === appId)
      return sendJson(reply, 200, JSON.stringify(await Promise.all(own.map(statusOf))))
    }),
  )

  app.post(
    '/engines',
    guard.open(async (request, reply) => {
      guard.allow(request, 'machine')
      const config = objectIn(request)
      const id = await face.add(config)
      return sendComment(reply, 201, `EngineId: ${String(config.engineId ?? id)} created`)
    }),
  )

  app.get(
    '/engines/:engine',
    guard.about('admin', async ({ engine, reply }) =>
      sendJson(reply, 200, JSON.stringify(await statusOf(engine))),
    ),
  )

  app.delete(
    '/engines/:engine',
    guard.about('machine', async ({ engine, name, reply }) => {
      await face.remove(engine)
      return sendComment(reply, 200, `Engine instance for engineId: ${name} deleted`)
    }),
  )

  app.post(
    '/engines/:engine/configs',
    guard.about('machine', async ({ engine, name, request, reply }) => {
      await face.update(engine, objectIn(request))
      return sendComment(reply, 200, `EngineId: ${name} updated`)
    }),
  )
}
