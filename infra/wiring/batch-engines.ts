// The batch engines of this process: one for each place where an engine is trained. Which one is the engine's own choice in
// millrace.toml, else the port's.
import type { BatchEngine } from '#ports/batch-engine'
import { MillraceError } from '#ports/errors'
import type { Health } from '#ports/lifecycle'
import { openBatchEngine, type Surroundings } from './open-ports.ts'
import { type PortUrls, schemeOf } from './port-urls.ts'

/** The batch engine's URL by an engine's id, for engines that have one of their own. */
export type EngineBatches = ReadonlyMap<string, string>

/** @throws MillraceError CONFIG_INVALID, CONFIG_UNSUPPORTED */
export async function openBatchEngines(
  ports: PortUrls,
  own: EngineBatches,
  surroundings: Surroundings,
): Promise<BatchEngine> {
  const byUrl = new Map<string, BatchEngine>()
  for (const url of new Set([ports.batch, ...own.values()])) {
    assertSeesFiles(url, ports.files)
    byUrl.set(url, await openBatchEngine({ ...ports, batch: url }, surroundings))
  }
  const engineOf = (id: string): BatchEngine => byUrl.get(own.get(id) ?? ports.batch) as BatchEngine
  return {
    train: (task, options) => engineOf(task.engineId).train(task, options),
    abandon: (training) => engineOf(training.engineId).abandon(training),
    placeOf: (id) => engineOf(id).placeOf(id),
    health: async () =>
      merged(await Promise.all(Array.from(byUrl.values(), (engine) => engine.health()))),
    close: async () => {
      await Promise.all(Array.from(byUrl.values(), (engine) => engine.close()))
    },
  }
}

const LOOPBACK = /^sc:\/\/(localhost|127(?:\.\d+){3}|\[::1\])(:|\/|$)/

/**
 * Spark on another machine cannot read the data folder of this one. Of a `file:///…` that is not shared we cannot know: Spark
 * says so itself, when it misses the first file.
 * @throws MillraceError CONFIG_INVALID
 */
export function assertSeesFiles(batch: string, files: string): void {
  if (schemeOf('batch', batch) !== 'sc:' || files !== 'file:' || LOOPBACK.test(batch)) return
  throw new MillraceError('CONFIG_INVALID', {
    where: 'batch',
    reason: `Spark at ${batch} cannot see the files in this machine's data folder`,
    mend: 'Put files where both see them: files = "hdfs://…", or "file:///…" on a shared disk.',
  })
}

function merged(all: readonly Health[]): Health {
  const bad = all.filter(({ status }) => status !== 'ok')
  const shown = bad.length > 0 ? bad : all
  const [first] = shown
  if (first === undefined) return { name: 'batch', status: 'ok', detail: 'Nothing trains here.' }
  return { ...first, detail: shown.map(({ detail }) => detail).join(' ') }
}
