// Model versions of engines.
import type { Json, JsonObject } from '#schemas/json'
import type { Platform } from '../platform.ts'
import { optionalText, text } from './arguments.ts'
import { engineNamed } from './change.ts'

export async function modelList({ directory }: Platform, args: JsonObject): Promise<Json> {
  const id = optionalText(args, 'engineId')
  const { state } = directory
  const engines = id === null ? [...state.engines.values()] : [engineNamed(state, id)]
  return engines.flatMap((engine) =>
    engine.versions.map(({ id: version, status, openedAt, closedAt, reason, summary }) => ({
      engine: engine.id,
      version,
      status,
      openedAt,
      closedAt,
      reason,
      summary,
    })),
  )
}

export async function modelRollback({ training }: Platform, args: JsonObject): Promise<Json> {
  const engineId = text(args, 'engineId')
  const version = await training.rollback(engineId, optionalText(args, 'version'))
  return { engine: engineId, version }
}
