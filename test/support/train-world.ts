// A training job over in-memory ports, with notes of what happened in which order.
import type { BatchEngine } from '#ports/batch-engine'
import type { Directory } from '#ports/directory'
import type { ItemIndex } from '#ports/item-index'
import type { JobQueue } from '#ports/job-queue'
import type { Models } from '#ports/models'
import { silentTelemetry } from '#ports/telemetry'
import type { ControlChange, DirectoryState } from '#schemas/directory'
import { decideControl, EMPTY_DIRECTORY, foldControl } from '#schemas/directory-fold'
import type { Model } from '#schemas/model'
import { registerTrainJob, type TrainingDeps } from '../../batch/train-job.ts'
import { createModels } from '../../infra/archive/models.ts'
import { createManualClock } from './memory/clock.ts'
import { createMemoryFiles } from './memory/files.ts'
import { createMemoryItemIndex } from './memory/item-index.ts'
import { createMemoryJobQueue } from './memory/job-queue.ts'
import { createMemoryLog } from './memory/log.ts'
import { variantOf } from './training.ts'

export const ENGINE = 'shop'

export function memoryDirectory(notes: string[]): Directory {
  let state: DirectoryState = EMPTY_DIRECTORY
  let written = 0
  return {
    get state() {
      return state
    },
    async write(draft) {
      await new Promise((resolve) => setImmediate(resolve))
      const record = { ...draft, appendId: `a${written}`, time: written++ }
      const verdict = decideControl(state, record)
      if (verdict.accepted) {
        state = foldControl(state, record)
        for (const { type } of draft.changes) notes.push(type)
      }
      return verdict
    },
    catchUp: async () => {},
    accessKey: () => undefined,
    keyText: () => null,
    sealKey: (text) => ({ hash: text, sealed: null }),
    subscribe: () => () => {},
    health: async () => ({ name: 'directory', status: 'ok', detail: '' }),
    close: async () => {},
  }
}

export const model: Model = {
  items: ['a', 'b'],
  indicators: [
    {
      name: 'buy',
      terms: ['a', 'b'],
      starts: Uint32Array.of(0, 1, 2),
      term: Uint32Array.of(1, 0),
      weight: Float32Array.of(1, 0.5),
    },
  ],
  rankings: [{ name: 'popRank', type: 'popular', values: Float64Array.of(1, 2) }],
}

export interface TrainWorld extends TrainingDeps {
  readonly queue: JobQueue
  readonly models: Models
  readonly index: ItemIndex
  readonly clock: ReturnType<typeof createManualClock>
  readonly notes: string[]
  readonly versions: () => Record<string, string>
  readonly indexed: () => string[]
  readonly train: () => Promise<string>
}

export async function trainWorld(
  t: { after(end: () => Promise<void>): void },
  change: Partial<TrainingDeps> = {},
): Promise<TrainWorld> {
  const notes: string[] = []
  const clock = createManualClock()
  const directory = change.directory ?? memoryDirectory(notes)
  const index = createMemoryItemIndex()
  const queue = createMemoryJobQueue({ clock })
  const models = createModels({ files: createMemoryFiles(), telemetry: silentTelemetry })
  let count = 0
  const batch: BatchEngine = {
    async train(task) {
      notes.push('train')
      const { engineId, versionId, factory, watermark, asOf } = task
      return models.write(
        {
          engineId,
          versionId,
          factory,
          watermark,
          asOf,
          trainedAt: clock.now() + count,
          counts: { events: 3 },
          seconds: {},
        },
        model,
      )
    },
    abandon: async () => {},
    placeOf: () => ({ name: 'this process', memoryBytes: null }),
    health: async () => ({ name: 'batch', status: 'ok', detail: '' }),
    close: async () => {},
  }
  const deps: TrainingDeps = {
    clock,
    directory,
    index,
    models,
    // One attempt each: the tests are about what it leaves.
    queue: { ...queue, process: (name, handler) => queue.process(name, handler) },
    batch,
    log: createMemoryLog({ partitions: 3 }),
    ranges: async () => [],
    archive: {
      closeAt: async ({ offsets }) => {
        notes.push(`closed at ${offsets}`)
      },
    },
    watermarks: {
      applied: () => ({ generation: 0, offsets: [] }),
      waitFor: async (sink) => {
        notes.push(`${sink} waited for`)
        return true
      },
    },
    ids: () => `v${++count}`,
    telemetry: silentTelemetry,
    ...change,
  }
  const changes: ControlChange[] = [
    { type: 'app-created', app: { id: 1, name: 'shop', description: null } },
    {
      type: 'engine-registered',
      engineId: ENGINE,
      appId: 1,
      factory: 'universal',
      variant: variantOf({ indicators: [{ name: 'buy' }] }),
    },
  ]
  await directory.write({ expects: {}, changes })
  notes.length = 0
  const training = registerTrainJob(deps)
  t.after(() => training.close())
  return {
    ...deps,
    clock,
    notes,
    versions: () =>
      Object.fromEntries(
        (directory.state.engines.get(ENGINE)?.versions ?? []).map((v) => [v.id, v.status]),
      ),
    indexed: () => deps.index.versions().map(({ versionId }) => versionId),
    async train() {
      const job = await queue.add('train', ENGINE, { engineId: ENGINE, asOf: null })
      const ended = await queue.follow(job.id, () => {})
      if (ended.state === 'done') return String(ended.result?.versionId)
      return ended.error?.code ?? ended.state
    },
  }
}
