import type { Models } from '#ports/models'
import type { Model } from '#schemas/model'

/** The newest model of an engine, or null when it has none. @throws MillraceError MODEL_CORRUPT */
export async function newestModel(models: Models, engineId: string): Promise<Model | null> {
  const [newest] = await models.list(engineId)
  return newest === undefined ? null : (await models.read(engineId, newest.versionId)).model
}
