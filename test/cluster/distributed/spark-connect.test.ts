// The SQL session against a real Spark: what a fake cannot know.
import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { systemClock } from '#ports/clock'
import type { FactorBatch } from '#ports/factor-training'
import type { SqlOperation, SqlProgress } from '#ports/sql-session'
import { allRows, failure, sessionWith } from '../../support/spark-session.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { clusterUrl } from '../../support/test-cluster.ts'
import { until } from '../../support/until.ts'

/** Runs for minutes, in as many tasks as there are slots. */
const SLOW = 'select sum(a.id * b.id % 7) x from range(200000) a cross join range(300000) b'

const open = (t: TestContext, session?: string) =>
  sessionWith(
    t,
    { url: clusterUrl('batch') },
    {
      clock: systemClock,
      settings: { 'spark.sql.shuffle.partitions': '4' },
      ...(session === undefined ? {} : { session }),
    },
  )

test('spark: rows both ways, views, and Parquet files written and read', async (t) => {
  const session = await open(t)
  const settings = await allRows(session, 'set spark.sql.shuffle.partitions')
  assert.deepEqual(settings, [{ key: 'spark.sql.shuffle.partitions', value: '4' }])
  const sent = [
    { text: 'é', whole: 2 ** 52, real: 0.5, yes: true },
    { text: null, whole: null, real: null, yes: null },
  ]
  const columns = { text: 'string', whole: 'bigint', real: 'double', yes: 'boolean' } as const
  await session.viewOfRows('sent', columns, sent)
  assert.deepEqual(await allRows(session, 'select * from sent order by text desc'), sent)
  const [nested] = await allRows(
    session,
    "select array(named_struct('id', 'a', 'w', 1d), null) l, cast(array() as array<int>) e",
  )
  assert.deepEqual(nested, { l: [{ id: 'a', w: 1 }, null], e: [] })

  const folder = await temporaryFolder(t)
  const uri = pathToFileURL(join(folder, 'day=1')).href
  const query = 'select id, cast(id as string) name from range(1000)'
  await session.writeParquet(query, uri)
  await session.writeParquet(query, uri)
  const files = (await readdir(join(folder, 'day=1'))).filter((name) => name.endsWith('.parquet'))
  const uris = files.map((name) => `${uri}/${name}`)
  await session.viewOfParquet('written', uris)
  const sums = 'select count(*) n, sum(id) s, count(distinct name) d from written'
  assert.deepEqual(await allRows(session, sums), [{ n: 1000, s: 499_500, d: 1000 }])
  assert.deepEqual(Object.keys((await allRows(session, 'select * from written'))[0] ?? {}), [
    ...['id', 'name'],
  ])

  const damaged = join(folder, 'damaged.parquet')
  const bytes = await readFile(new URL(uris[0] as string))
  await writeFile(damaged, bytes.fill(7, 100, bytes.length >> 1))
  await session.viewOfParquet('damaged', [pathToFileURL(damaged).href])
  const damage = await failure(allRows(session, 'select * from damaged'))
  assert.equal(damage.code, 'SPARK_REFUSED')
  assert.match(damage.message, /damaged\.parquet/)
})

test('spark: a wrong query is refused with its error class', async (t) => {
  const session = await open(t)
  const refused = async (query: string) =>
    (await failure(allRows(session, query))).details.errorClass
  assert.equal(await refused('select * from missing'), 'TABLE_OR_VIEW_NOT_FOUND')
  assert.equal(await refused('selec 1'), 'PARSE_SYNTAX_ERROR')
  assert.equal(await refused('select 1 / 0'), 'DIVIDE_BY_ZERO')
  assert.equal(
    await refused("select cast(concat('x', id) as int) from range(9)"),
    'CAST_INVALID_INPUT',
  )
  assert.equal(await refused('select 1.5'), 'UNREADABLE_COLUMN')
})

test('spark: progress is told; an interrupt is quick and frees the slots', async (t) => {
  const session = await open(t)
  const abort = new AbortController()
  const reason = new Error('enough')
  const progress: SqlProgress[] = []
  const options = { signal: abort.signal, progress: (now: SqlProgress) => progress.push(now) }
  const ended = session.run(`create table t using parquet as ${SLOW}`, options)
  await until(() => progress.some(({ tasks }) => tasks > 0), 60_000)
  const started = performance.now()
  abort.abort(reason)
  await assert.rejects(ended, (error) => error === reason)
  assert.ok(performance.now() - started < 1000, `${performance.now() - started} ms`)
  const late = await failure(allRows(session, SLOW, { deadlineMs: 1500 }))
  assert.equal(late.code, 'SPARK_DEADLINE')
  // Spark kills tasks that do not end by themselves after 20 s.
  assert.deepEqual(
    await allRows(session, 'select count(*) n from range(1000)', { deadlineMs: 60_000 }),
    [{ n: 1000 }],
  )
})

test('spark: another process takes the rows on, and each comes once', async (t) => {
  const session = await open(t)
  const count = 300_000
  const query = `select id from range(${count})`
  const seen: unknown[] = []
  let reached: SqlOperation | null = null
  const rows = session.rows(query, { operation: (now) => (reached = now) })
  const reading = rows[Symbol.asyncIterator]()
  for (let batch = 0; batch < 2; batch++) {
    const { value } = await reading.next()
    if (batch === 0) seen.push(...(value as { id: number }[]).map(({ id }) => id))
  }
  assert.ok(reached !== null)
  const resume: SqlOperation = reached
  // The first session goes on living, as one whose process was killed does for the server.
  const successor = await open(t, resume.session)
  for (const { id } of await allRows(successor, query, { resume })) seen.push(id)
  assert.equal(seen.length, count)
  assert.equal(new Set(seen).size, count)
  const over = await failure(allRows(successor, query, { resume }))
  assert.equal(over.code, 'SPARK_LOST')
})

test('spark: factors of two trainings with the same seed are the same', async (t) => {
  const session = await open(t)
  const query = `select cast(id % 997 as int) user, cast((id * 7919 + id div 997) % 211 as int) item,
    cast(1 as float) rating from range(20000)`
  const parameters = { rank: 8, iterations: 3, regularisation: 0.05, alpha: 10, seed: 42 }
  const fit = async () => {
    const fitted = await session.fitFactors(query, parameters)
    const factors = [await gathered(fitted.users()), await gathered(fitted.items())]
    await fitted.close()
    assert.equal((await failure(gathered(fitted.items()))).code, 'SPARK_LOST')
    return factors
  }
  const [users, items] = await fit()
  assert.deepEqual([users?.size, items?.size], [997, 211])
  for (const factors of users?.values() ?? []) {
    assert.equal(factors.length, 8)
    assert.ok(factors.every(Number.isFinite))
  }
  assert.deepEqual(await fit(), [users, items])
})

async function gathered(batches: AsyncIterable<FactorBatch>): Promise<Map<number, number[]>> {
  const all = new Map<number, number[]>()
  for await (const { ids, factors } of batches) {
    const rank = factors.length / ids.length
    for (const [n, id] of ids.entries()) {
      all.set(id, [...factors.subarray(n * rank, (n + 1) * rank)])
    }
  }
  return all
}
