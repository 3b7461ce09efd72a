// How well the default engine recommends: MovieTweetings, random split of the 5-core, every rating a positive, one
// indicator. Trained on the training pairs and asked over the query path (plan, item index) for ten items a user, the
// training pairs excluded. `node test/bench/accuracy.ts [--weights acos|llr] [--split random|chronological|last]`.
//
// Recall@10 is hits / test items; NDCG@10 is divided by that of the best possible ten; both averaged over the users who
// have test items. Definitions and exact figures of other recommenders: docs/benchmarks.md.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { silentTelemetry } from '#ports/telemetry'
import { parseUniversal } from '#schemas/engines/universal-parse'
import { createItemIndex } from '../../infra/embedded/item-index.ts'
import { planQuery } from '../../serving/engines/universal/plan.ts'
import { parseUniversalQuery } from '../../serving/engines/universal/query.ts'
import { type TrainingEvent, train, variantOf } from '../support/training.ts'

const TOP = 10
const { values } = parseArgs({
  options: {
    weights: { type: 'string', default: 'acos' },
    split: { type: 'string', default: 'random' },
  },
})

interface Pair {
  readonly user: string
  readonly item: string
  readonly time: number
  readonly part: string
}

function readPairs(split: string): readonly Pair[] {
  const file = new URL(
    '../../infra/cli/quickstart/data/movietweetings-100k/splits.tsv.gz',
    import.meta.url,
  )
  const [head = '', ...lines] = gunzipSync(readFileSync(file)).toString('utf8').trim().split('\n')
  const column = head.split('\t').indexOf(split)
  if (column < 3)
    throw new Error(`there is no split ${split}; there are random, chronological, last`)
  return lines.map((line) => {
    const cells = line.split('\t')
    const [user = '', item = '', time = ''] = cells
    return { user, item, time: Number(time) * 1000, part: cells[column] ?? '' }
  })
}

const rated = ({ user, item, time }: Pair): TrainingEvent => ({
  event: 'rate',
  entityType: 'user',
  entityId: user,
  targetEntityType: 'item',
  targetEntityId: item,
  eventTime: new Date(time).toISOString(),
})

function byUser(pairs: readonly Pair[]): Map<string, Pair[]> {
  const users = new Map<string, Pair[]>()
  for (const pair of pairs) {
    const own = users.get(pair.user)
    if (own === undefined) users.set(pair.user, [pair])
    else own.push(pair)
  }
  return users
}

const gain = (rank: number): number => 1 / Math.log2(rank + 2)

const pairs = readPairs(values.split)
const training = byUser(pairs.filter(({ part }) => part === 'train'))
const trained = [...training.values()].flat()
const known = new Set(trained.map(({ item }) => item))
const tests = byUser(
  pairs.filter(({ user, item, part }) => part === 'test' && training.has(user) && known.has(item)),
)
const variant = variantOf({ weights: values.weights, indicators: [{ name: 'rate' }] })
const params = parseUniversal(variant)
const asOf = Math.max(...pairs.map(({ time }) => time)) + 1
const { model } = await train(trained.map(rated), variant, undefined, asOf)
const index = createItemIndex({ telemetry: silentTelemetry })
await index.publish(
  { app: 1, engineId: 'movies', versionId: 'v1', primaryEvents: ['rate'], userDefinedRankings: [] },
  model,
)

let recall = 0
let ndcg = 0
for (const [user, wanted] of tests) {
  const history = (training.get(user) ?? [])
    .map(({ item, time }) => ({ event: 'rate', targetEntityId: item, eventTime: time }))
    .sort((a, b) => b.eventTime - a.eventTime)
  const { query } = parseUniversalQuery({ user, num: TOP })
  const planned = planQuery({ params, query, history, lists: null, now: asOf })
  const { hits } = await index.search('movies', 'v1', planned)
  const items = new Set(wanted.map(({ item }) => item))
  let gained = 0
  let found = 0
  for (const [rank, { item }] of hits.entries()) {
    if (!items.has(item)) continue
    found++
    gained += gain(rank)
  }
  let best = 0
  for (let rank = 0; rank < Math.min(TOP, items.size); rank++) best += gain(rank)
  recall += found / items.size
  ndcg += gained / best
}
await index.close()
const result = {
  split: values.split,
  weights: values.weights,
  users: tests.size,
  recallAt10: Number((recall / tests.size).toFixed(4)),
  ndcgAt10: Number((ndcg / tests.size).toFixed(4)),
}
process.stdout.write(`${JSON.stringify(result)}\n`)
