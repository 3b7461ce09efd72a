// The training half of the universal engine on one machine: columns of the archive → matrices → lists and rankings.
import type { TrainTask } from '#ports/batch-engine'
import { MillraceError } from '#ports/errors'
import type { UniversalParams } from '#schemas/engines/universal'
import { parseUniversal } from '#schemas/engines/universal-parse'
import { DEFAULT_CHANNEL } from '#schemas/event'
import type { Model } from '#schemas/model'
import type { Trained, TrainerDeps } from '../trainer.ts'
import { backfilled } from './backfill.ts'
import { indicatorLists } from './indicator-lists.ts'
import { buildMatrices, type Matrices } from './matrices.ts'
import { rankedTargets, rankingValues } from './ranked-targets.ts'
import { foundIn, remarksOn, whyNoUsers } from './remarks.ts'
import { TRAINING_COLUMNS, TrainingData } from './training-data.ts'

/**
 * Trains on exactly the effective events of the app's default channel below the task's watermark. The same events and
 * parameters give the same model, whatever the order of the events and the number of threads.
 * @throws MillraceError TRAINING_NO_EVENTS, ARCHIVE_CORRUPT
 */
export async function trainUniversal(task: TrainTask, deps: TrainerDeps): Promise<Trained> {
  const params = parseUniversal(task.variant)
  const began = deps.clock.monotonic()
  const data = await readTrainingData(task, params, deps)
  const read = deps.clock.monotonic()
  const { model, users, pairs } =
    params.recsModel === 'backfill'
      ? { model: backfilled(data, params, (await deps.previous?.()) ?? null), users: 0, pairs: 0 }
      : await modelOf(data, params, task, deps)
  const trained = deps.clock.monotonic()
  const events = data.pairs.reduce((sum, { length }) => sum + length, 0)
  return {
    model,
    counts: {
      events: data.events,
      indicatorEvents: events,
      users,
      items: model.items.length,
      pairs,
    },
    remarks: remarksOn(foundIn(data), params),
    seconds: { read: (read - began) / 1000, correlate: (trained - read) / 1000 },
  }
}

async function readTrainingData(
  task: TrainTask,
  params: UniversalParams,
  { archive, progress, signal }: TrainerDeps,
): Promise<TrainingData> {
  const data = new TrainingData(params, task.asOf)
  const request = {
    app: task.app,
    channel: DEFAULT_CHANNEL,
    upTo: task.watermark,
    columns: TRAINING_COLUMNS,
    ...(signal === undefined ? {} : { signal }),
  }
  for await (const batch of archive.columns(request)) {
    data.add(batch)
    progress({ step: 'read', done: data.events, total: 0, unit: 'events' })
  }
  data.settle()
  return data
}

/** The model of data that were read; apart from reading, so that it can be measured alone. */
export async function modelOf(
  data: TrainingData,
  params: UniversalParams,
  task: Pick<TrainTask, 'appName' | 'engineId'>,
  deps: Pick<TrainerDeps, 'correlate' | 'progress'>,
): Promise<{ readonly model: Model; readonly users: number; readonly pairs: number }> {
  const ranks = data.targets.ranks()
  const matrices = buildMatrices(data, params, ranks)
  if (matrices.users === 0) {
    throw new MillraceError('TRAINING_NO_EVENTS', {
      app: task.appName,
      engine: task.engineId,
      event: params.indicators[0].name,
      reason: whyNoUsers(foundIn(data), params),
    })
  }
  const itemTargets = documentsOf(data, params, matrices, ranks)
  const items = Array.from(itemTargets, (target) => data.targets.text(target))
  const indicators = await indicatorLists({
    data,
    params,
    matrices,
    ranks,
    items,
    itemTargets,
    correlate: deps.correlate,
    progress: (done, total) => deps.progress({ step: 'correlate', done, total, unit: 'rows' }),
  })
  const rankings = rankingValues(data, itemTargets)
  const pairs = matrices.indicators.reduce((sum, { matrix }) => sum + matrix.column.length, 0)
  return { model: { items, indicators, rankings }, users: matrices.users, pairs }
}

/**
 * Targets that are documents, in the order of their ids: what the users that count did the primary event to, and what a
 * ranking knows. In `ur-0.7` any ranked target is one; else only items are: targets of the primary event,
 * and entities that have properties.
 */
function documentsOf(
  data: TrainingData,
  params: UniversalParams,
  matrices: Matrices,
  ranks: Uint32Array,
): Uint32Array {
  const documents = new Uint8Array(data.targets.size)
  for (const target of matrices.indicators[0]?.targetOf ?? []) documents[target] = 1
  for (const target of rankedTargets(data, params)) documents[target] = 1
  const targets: number[] = []
  for (let target = 0; target < documents.length; target++) {
    if (documents[target] === 1) targets.push(target)
  }
  return Uint32Array.from(targets).sort((a, b) => (ranks[a] as number) - (ranks[b] as number))
}
