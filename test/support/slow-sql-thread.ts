// A training thread whose trainer in SQL takes as long as a test wants: popularity of what was bought, after a statement over as
// many rows as its clock (`asOf`) says.
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import type { SqlProgress } from '#ports/sql-session'
import { UNIVERSAL } from '#schemas/engines/universal'
import type { Trainer } from '../../batch/engines/trainer.ts'
import { runTrainingThread, type TrainData } from '../../infra/wiring/training-thread.ts'

const trainSlowly: Trainer = async (task, { archive, files, sql, progress, signal, clock }) => {
  if (sql === undefined || files === undefined) throw new Error('this is no training in SQL')
  const began = clock.monotonic()
  const session = await sql()
  const ranges = await archive.ranges()
  const uris = ranges.flatMap((range) => range.files).map(({ path }) => files.uriOf(path))
  const during = signal === undefined ? {} : { signal }
  await session.viewOfParquet('archive', uris, during)
  const slow = `select count(*) from range(0, ${task.asOf}, 1, 8) where sha2(cast(id as string), 512) = 'none'`
  const tell = ({ stage, tasksDone: done, tasks: total }: SqlProgress): void =>
    progress({ step: `wait, stage ${stage}`, done, total, unit: 'tasks' })
  const options = { ...during, progress: tell }
  for await (const batch of session.rows(slow, options)) void batch
  const items: string[] = []
  const counts: number[] = []
  const popular = `select targetEntityId as item, count(*) as bought from archive where event = 'buy'
    group by targetEntityId order by targetEntityId`
  for await (const batch of session.rows(popular, during)) {
    for (const { item, bought } of batch) {
      items.push(String(item))
      counts.push(Number(bought))
    }
  }
  const none = { starts: new Uint32Array(items.length + 1), term: new Uint32Array(0) }
  const events = counts.reduce((sum, count) => sum + count, 0)
  return {
    model: {
      items,
      indicators: [{ name: 'buy', terms: items, ...none, weight: new Float32Array(0) }],
      rankings: [{ name: 'popRank', type: 'popular', values: Float64Array.from(counts) }],
    },
    counts: { events },
    remarks: [],
    seconds: { train: (clock.monotonic() - began) / 1000 },
  }
}

if (!isMainThread && parentPort !== null && workerData?.role === 'train') {
  const trainers = { here: {}, sql: { [UNIVERSAL]: trainSlowly } }
  runTrainingThread(parentPort, workerData as TrainData, trainers)
}
