// The training half of the universal engine in SQL, for what does not fit on one machine: the archive's files are read by the
// server, each step is a table of Parquet files beside the model, and the model's own tables are read back in a stream. It is the
// same model as the local trainer's, to the last bit.
import type { TrainTask } from '#ports/batch-engine'
import { MillraceError } from '#ports/errors'
import type { UniversalParams } from '#schemas/engines/universal'
import { parseUniversal } from '#schemas/engines/universal-parse'
import type { Model } from '#schemas/model'
import type { SqlTrainerDeps, Trained, TrainerDeps } from '../trainer.ts'
import { type Found, remarksOn, whyNoUsers } from './remarks.ts'
import { makeEvents } from './spark-effective.ts'
import { makeLists } from './spark-lists.ts'
import { makeMatrices } from './spark-matrices.ts'
import { readModel } from './spark-model.ts'
import { makeRanked } from './spark-rankings.ts'
import { openSteps, type Steps } from './spark-steps.ts'
import { makeUses } from './spark-uses.ts'

/** Rows a task is to read. */
const ROWS_A_TASK = 250_000
const TASKS_MAX = 1024

const SETTINGS = {
  'spark.sql.session.timeZone': 'UTC',
  'spark.sql.parquet.datetimeRebaseModeInRead': 'CORRECTED',
  'spark.sql.autoBroadcastJoinThreshold': '64m',
  'spark.sql.files.maxPartitionBytes': '16m',
  // Few small tasks would become fewer: those that count pairs are all the same in bytes, and not in work.
  'spark.sql.adaptive.coalescePartitions.enabled': 'false',
  // What is in memory when a table is read back.
  'parquet.block.size': 8 * 1024 * 1024,
}

/**
 * Trains on exactly the effective events of the app's default channel below the task's watermark.
 * @throws MillraceError TRAINING_NO_EVENTS, TRAINING_FAILED for what SQL does not do, ARCHIVE_BEHIND, ARCHIVE_CORRUPT, SPARK_…
 */
export async function trainUniversalInSql(task: TrainTask, given: TrainerDeps): Promise<Trained> {
  const { sql, files, parquet } = given
  if (!(sql && files && parquet)) {
    throw new TypeError('a training in SQL needs a server, and the files that it reads and writes')
  }
  const deps = { ...given, sql, files, parquet }
  const params = parseUniversal(task.variant)
  if (params.recsModel === 'backfill') {
    const reason =
      'recsModel "backfill" is not trained on Spark; let this engine train in this process (batch = "worker:"), or leave recsModel out'
    throw new MillraceError('TRAINING_FAILED', { engine: task.engineId, reason })
  }
  const steps = await openSteps(deps, `models/${task.engineId}/${task.versionId}/spark`)
  try {
    return await train(steps, task, params, deps)
  } finally {
    await steps.close()
  }
}

async function train(
  steps: Steps,
  task: TrainTask,
  params: UniversalParams,
  deps: SqlTrainerDeps,
): Promise<Trained> {
  steps.begin('read')
  for (const [key, value] of Object.entries(SETTINGS)) await steps.set(key, value)
  const sources = await deps.archive.sources({ app: task.app, upTo: task.watermark })
  const rows = sources.flatMap(({ files }) => files).reduce((sum, file) => sum + file.rows, 0)
  const tasks = Math.min(TASKS_MAX, Math.max(2, Math.ceil(rows / ROWS_A_TASK)))
  await steps.set('spark.sql.shuffle.partitions', tasks)
  if (!(await makeEvents(steps, sources))) throw noEvents(task, params, NOTHING)
  steps.begin('count')
  const uses = await makeUses(steps, params, task.asOf)
  if (uses.users === 0) throw noEvents(task, params, uses)
  const cells = await makeMatrices(steps, params)
  await makeRanked(steps, params, task.asOf)
  steps.begin('correlate')
  const byLlr = params.scoring !== 'weighted' || params.weights === 'llr'
  await makeLists(steps, { params, users: uses.users, cells, byLlr })
  steps.begin('model')
  const model: Model = await readModel(steps, { params, targets: uses.targets, byLlr })
  return {
    model,
    counts: {
      events: uses.events,
      indicatorEvents: sumOf(uses.pairCounts),
      users: uses.users,
      items: model.items.length,
      pairs: sumOf(cells),
    },
    remarks: remarksOn(uses, params),
    seconds: steps.seconds(),
  }
}

const NOTHING: Found = { pairCounts: [], otherNames: [], rankings: [] }

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0)

const noEvents = (task: TrainTask, params: UniversalParams, found: Found): MillraceError =>
  new MillraceError('TRAINING_NO_EVENTS', {
    app: task.appName,
    engine: task.engineId,
    event: params.indicators[0].name,
    reason: whyNoUsers(found, params),
  })
