// What a search costs: milliseconds and CPU a query over the embedded item index, at several sizes. Items have 50 ids each,
// 70 % from their own cluster and skewed, the rest by popularity, so that popular ids have long posting lists, as real ones do.
//
//   node test/bench/scorer.ts [items …]        default: 10000 100000 1000000
//   node test/bench/scorer.ts --index http://127.0.0.1:19200 --queries 50 100000        the same over Elasticsearch
//
// Also printed: how long telling the items and publishing took, the longest time the thread was held meanwhile, and memory.
import { parseArgs } from 'node:util'
import type { ItemChange, ItemIndex } from '#ports/item-index'
import { silentTelemetry } from '#ports/telemetry'
import type { Model } from '#schemas/model'
import { roundWeight } from '#schemas/numerics'
import type { ScoredQuery } from '#schemas/query'
import { createItemIndex } from '../../infra/embedded/item-index.ts'
import { createTestIndexes } from '../support/elasticsearch.ts'
import { clause, scoredQuery, VERSION } from '../support/item-index-fixture.ts'
import { createRandom, type Random } from '../support/random.ts'

const IDS_PER_ITEM = 50
const { positionals, values: asked } = parseArgs({
  allowPositionals: true,
  options: { index: { type: 'string' }, queries: { type: 'string', default: '200' } },
})
const QUERIES = Number(asked.queries)
const ROUNDS = 3

interface Shapes {
  /** An id like those in an item's list. */
  readonly near: (cluster: number) => number
  readonly popular: () => number
  /** Users' histories lean to popular items even more. */
  readonly veryPopular: () => number
  readonly clusters: number
}

function makeShapes(random: Random, items: number): Shapes {
  const clusters = Math.max(1, Math.floor(items / 2000))
  const size = Math.floor(items / clusters)
  const power = (exponent: number): (() => number) => {
    const rest = 1 - exponent
    const top = items ** rest - 1
    return () => Math.min(items - 1, Math.floor((random.next() * top + 1) ** (1 / rest)) - 1)
  }
  return {
    near: (cluster) =>
      Math.min(items - 1, Math.floor(size * random.next() ** 2) * clusters + cluster),
    popular: power(0.5),
    veryPopular: power(0.8),
    clusters,
  }
}

/** Flat text, as decoders make it; joined text would be compared slowly. */
const idOf = (item: number): string =>
  Buffer.from(`item-${String(item).padStart(8, '0')}`).toString('latin1')

function makeModel(random: Random, items: number, { near, popular, clusters }: Shapes): Model {
  const starts = Uint32Array.from({ length: items + 1 }, (_, row) => row * IDS_PER_ITEM)
  const term = new Uint32Array(items * IDS_PER_ITEM)
  const weight = new Float32Array(items * IDS_PER_ITEM)
  for (let i = 0; i < term.length; i++) {
    const row = Math.floor(i / IDS_PER_ITEM)
    term[i] = random.chance(0.7) ? near(row % clusters) : popular()
    weight[i] = roundWeight(2 + 18 * random.next() ** 3)
  }
  const ids = Array.from({ length: items }, (_, item) => idOf(item))
  return {
    items: ids,
    indicators: [{ name: 'buy', terms: ids, starts, term, weight }],
    rankings: [
      {
        name: 'popRank',
        type: 'popular',
        values: Float64Array.from(ids, (_, item) => Math.ceil(items / (item + 1))),
      },
    ],
  }
}

function makeChanges(random: Random, from: number, to: number): ItemChange[] {
  const day = 86_400_000
  return Array.from({ length: to - from }, (_, i) => ({
    type: 'state' as const,
    state: {
      item: idOf(from + i),
      offset: from + i,
      exists: true,
      deleted: false,
      properties: {
        title: `The title of item ${from + i}`,
        categories: [`c${random.below(10)}`, `d${random.below(30)}`],
        brand: `brand ${random.below(500)}`,
        price: random.below(100_000) / 100,
        available: new Date(1.7e12 + random.below(400) * day).toISOString(),
        expires: new Date(1.75e12 + random.below(400) * day).toISOString(),
      },
    },
  }))
}

function makeHistories(
  random: Random,
  { near, veryPopular, clusters }: Shapes,
  length: number,
  nearShare = 0.6,
): string[][] {
  return Array.from({ length: QUERIES }, () => {
    const mine = [0, 1, 2].map(() => random.below(clusters))
    const ids = new Set<string>()
    while (ids.size < length)
      ids.add(idOf(random.chance(nearShare) ? near(random.pick(mine)) : veryPopular()))
    return [...ids]
  })
}

/** Runs work while a timer of its own measures the longest time the thread was held. */
async function measured(work: () => Promise<void>): Promise<{ ms: number; heldMs: number }> {
  let last = performance.now()
  let held = 0
  let done = false
  const beat = (): void => {
    const now = performance.now()
    held = Math.max(held, now - last)
    last = now
    if (!done) setImmediate(beat)
  }
  setImmediate(beat)
  const start = performance.now()
  await work()
  const ms = performance.now() - start
  done = true
  await new Promise(setImmediate)
  return { ms: Math.round(ms), heldMs: Math.round(held) }
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number

const indexes = asked.index === undefined ? null : await createTestIndexes(asked.index)

/** CPU that the server of the index has used; 0 without one. */
async function serverCpuMs(): Promise<number> {
  if (indexes === null) return 0
  // The server looks at itself once a second.
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  type Stats = { nodes: Record<string, { process: { cpu: { total_in_millis: number } } }> }
  const { nodes } = await indexes.client.request<Stats>('GET', '/_nodes/stats/process')
  return Object.values(nodes).reduce((sum, node) => sum + node.process.cpu.total_in_millis, 0)
}

async function timeQueries(
  index: ItemIndex,
  name: string,
  queries: readonly ScoredQuery[],
  postings: number,
) {
  const run = async (times: number[]): Promise<void> => {
    for (const query of queries) {
      const start = performance.now()
      await index.search('shop', 'v1', query)
      times.push(performance.now() - start)
    }
  }
  await run([])
  await run([])
  const times: number[] = []
  const serverBefore = await serverCpuMs()
  const before = process.cpuUsage()
  for (let round = 0; round < ROUNDS; round++) await run(times)
  const { user, system } = process.cpuUsage(before)
  const server = ((await serverCpuMs()) - serverBefore) / times.length
  times.sort((a, b) => a - b)
  console.log(
    `  ${name.padEnd(34)} postings ${String(postings).padStart(7)}  p50 ${percentile(times, 0.5).toFixed(3)} ms` +
      `  p99 ${percentile(times, 0.99).toFixed(3)} ms  CPU ${Math.round((user + system) / times.length)} µs` +
      (indexes === null ? '' : `, server ${server.toFixed(1)} ms`),
  )
}

async function benchSize(items: number): Promise<void> {
  const random = createRandom(7)
  const shapes = makeShapes(random, items)
  const model = makeModel(random, items, shapes)
  const index = indexes ? await indexes.open() : createItemIndex({ telemetry: silentTelemetry })
  const memory = (): number => Math.round(process.memoryUsage.rss() / 2 ** 20)
  const start = memory()
  const serverStart = await serverCpuMs()
  const told = await measured(async () => {
    for (let from = 0; from < items; from += 500) {
      await index.applyItems(1, makeChanges(random, from, Math.min(items, from + 500)))
      await new Promise(setImmediate)
    }
    await index.refresh()
  })
  const serverTold = await serverCpuMs()
  const withItems = memory()
  const opened = await measured(() => index.publish(VERSION, model))
  console.log(
    `${items} items: told in ${told.ms} ms; published in ${opened.ms} ms, thread held ${opened.heldMs} ms at most; ` +
      `memory ${start} MB, ${withItems} MB with items, ${memory()} MB with version`,
  )
  if (indexes !== null) {
    const each = (ms: number): string => `${(ms / items).toFixed(3)} ms`
    const publishing = (await serverCpuMs()) - serverTold
    console.log(
      `  server CPU an item: told ${each(serverTold - serverStart)}, published ${each(publishing)}`,
    )
  }
  const lengths = new Uint32Array(items)
  for (const term of model.indicators[0]?.term ?? []) lengths[term] = (lengths[term] as number) + 1
  const indexOf = new Map(model.items.map((id, item) => [id, item]))
  const postingsOf = (histories: readonly string[][]): number => {
    let sum = 0
    for (const id of histories.flat()) sum += lengths[indexOf.get(id) as number] as number
    return Math.round(sum / histories.length)
  }
  const filter = { rules: [{ field: 'categories', values: ['c1', 'c2', 'c3'], bias: -1 }] }
  const dates = {
    dates: [{ field: 'available', after: null, before: 1.72e12, includeBefore: true }],
  }
  const rare = { rules: [{ field: 'title', values: ['The title of item 77'], bias: -1 }] }
  const boost = { rules: [{ field: 'categories', values: ['c1'], bias: 1.5 }] }
  for (const length of [50, 100]) {
    const histories = makeHistories(random, shapes, length)
    const postings = postingsOf(histories)
    const ask = (name: string, parts: Partial<ScoredQuery>): Promise<void> => {
      const queries = histories.map((ids) =>
        scoredQuery({ evidence: [clause('buy', ids)], excludeIds: ids, ...parts }),
      )
      return timeQueries(index, `history ${length}, ${name}`, queries, postings)
    }
    await ask('plain', {})
    await ask('a field filter', filter)
    await ask('filter and date', { ...filter, ...dates })
    await ask('a boost', boost)
    if (length === 50) await ask('explained', { explain: true })
    if (length === 50) {
      // Nothing but popular ids: about the longest posting lists that a history of this length meets.
      const popular = makeHistories(random, shapes, length, 0.15)
      const queries = popular.map((ids) =>
        scoredQuery({ evidence: [clause('buy', ids)], excludeIds: ids, ...filter }),
      )
      await timeQueries(
        index,
        'history 50 of popular ids, a field filter',
        queries,
        postingsOf(popular),
      )
    }
    if (length === 50) await ask('global', { scoring: 'global' })
    if (length === 50) await ask('a page of 1000', { num: 1000 })
  }
  const backfill = (name: string, parts: Partial<ScoredQuery>): Promise<void> =>
    timeQueries(
      index,
      name,
      Array.from({ length: QUERIES }, () => scoredQuery(parts)),
      0,
    )
  await backfill('no history', {})
  await backfill('no history, a field filter', filter)
  await backfill('no history, filter of one item', rare)
  await backfill('no history, a boost', boost)
  await index.close()
}

const sizes = positionals.length > 0 ? positionals.map(Number) : [10_000, 100_000, 1_000_000]
for (const items of sizes) await benchSize(items)
await indexes?.close()
