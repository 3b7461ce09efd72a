// From the tables of a training in SQL to the model. What is in memory is the model itself, two numbers a target and one
// row group of a file: no row becomes an object.
import type { UniversalParams } from '#schemas/engines/universal'
import { murmur3 } from '#schemas/hashes'
import type { IndicatorLists, Model, RankingValues } from '#schemas/model'
import { roundWeight } from '#schemas/numerics'
import { WEIGHT_STEPS } from '../../algorithms/acos.ts'
import { sortTies } from './sort-ties.ts'
import { listsOf } from './spark-lists.ts'
import { matrixOf } from './spark-matrices.ts'
import type { Steps } from './spark-steps.ts'
import { computedRankings } from './spark-uses.ts'

export interface ModelPlan {
  readonly params: UniversalParams
  /** Number of targets. */
  readonly targets: number
  readonly byLlr: boolean
}

/** The model of the tables `targets`, `ranked` and the lists. */
export async function readModel(steps: Steps, plan: ModelPlan): Promise<Model> {
  const { params } = plan
  const values = computedRankings(params).map((_, n) => `v${n}`)
  await steps.table(
    'items',
    `select targets.t, target ${values.map((value) => `, ${value}`).join('')} from (
       select t from ${matrixOf(0)} union select t from ranked where candidate)
     join targets using (t) left join ranked using (t)`,
  )
  const items = await readItems(steps, 'items', plan)
  const texts = await readTerms(steps, plan)
  const indicators: IndicatorLists[] = []
  for (const [i, { name }] of params.indicators.entries()) {
    const lists = await readLists(steps, plan, i, items.numberOf, items.ids.length)
    const terms =
      i === 0
        ? { terms: items.ids, term: numbered(lists.term, items.numberOf) }
        : usedTerms(lists.term, texts, plan.targets)
    indicators.push({ name, starts: lists.starts, weight: lists.weight, ...terms })
  }
  return { items: items.ids, indicators, rankings: items.rankings }
}

interface Items {
  /** In their order. */
  readonly ids: readonly string[]
  /** By number of the target; -1 for one that is no item. */
  readonly numberOf: Int32Array
  readonly rankings: readonly RankingValues[]
}

/** Items and values of a table (t, target, v0 …). */
export async function readItems(
  steps: Steps,
  table: string,
  { params, targets }: Pick<ModelPlan, 'params' | 'targets'>,
): Promise<Items> {
  const rankings = computedRankings(params)
  const names = rankings.map((_, n) => `v${n}`)
  const numberOf = new Int32Array(targets).fill(-1)
  for await (const { rows, numbers } of steps.read(table, ['t'])) {
    const t = numbers('t')
    for (let row = 0; row < rows; row++) numberOf[t[row] as number] = 0
  }
  const count = renumber(numberOf)
  const ids = new Array<string>(count)
  const values = rankings.map(() => new Float64Array(count))
  for await (const { rows, numbers, texts } of steps.read(table, ['t', 'target', ...names])) {
    const t = numbers('t')
    const target = texts('target')
    const found = names.map(numbers)
    for (let row = 0; row < rows; row++) {
      const item = numberOf[t[row] as number] as number
      const id = target[row] as string
      ids[item] = id
      for (const [n, { type }] of rankings.entries()) {
        const value = found[n]?.[row] as number
        const random = type === 'random' && !Number.isNaN(value)
        const into = values[n] as Float64Array
        into[item] = random ? murmur3(id, params.seed) / 2 ** 32 : value
      }
    }
  }
  return {
    ids,
    numberOf,
    rankings: rankings.map(({ name, type }, n) => ({
      name,
      type,
      values: values[n] as Float64Array,
    })),
  }
}

/** Numbers what is marked by 0, in order; returns how many there are. */
function renumber(marks: Int32Array): number {
  let next = 0
  for (let t = 0; t < marks.length; t++) if (marks[t] === 0) marks[t] = next++
  return next
}

/** The texts of what the lists of all but the primary indicator name, by number of the target. */
async function readTerms(
  steps: Steps,
  { params }: ModelPlan,
): Promise<ReadonlyMap<number, string>> {
  const found = new Map<number, string>()
  const named = params.indicators.slice(1).map((_, i) => `select b t from ${listsOf(i + 1)}`)
  if (named.length === 0) return found
  await steps.table(
    'terms',
    `select t, target from targets join (${named.join(' union ')}) using (t)`,
  )
  for await (const { rows, numbers, texts } of steps.read('terms', ['t', 'target'])) {
    const t = numbers('t')
    const target = texts('target')
    for (let row = 0; row < rows; row++) found.set(t[row] as number, target[row] as string)
  }
  return found
}

interface Lists {
  readonly starts: Uint32Array
  /** Numbers of targets. */
  readonly term: Uint32Array
  readonly weight: Float32Array
}

/** Reads a table twice: for the lengths of the lists, then for what stands in them. */
async function readLists(
  steps: Steps,
  { params, byLlr }: ModelPlan,
  indicator: number,
  numberOf: Int32Array,
  items: number,
): Promise<Lists> {
  const table = listsOf(indicator)
  const starts = new Uint32Array(items + 1)
  for await (const { rows, numbers } of steps.read(table, ['a'])) {
    const a = numbers('a')
    for (let row = 0; row < rows; row++) {
      const next = (numberOf[a[row] as number] as number) + 1
      starts[next] = (starts[next] as number) + 1
    }
  }
  for (let item = 0; item < items; item++) {
    starts[item + 1] = (starts[item + 1] as number) + (starts[item] as number)
  }
  const term = new Uint32Array(starts[items] as number)
  const weight = new Float32Array(term.length)
  const weightOf = weightFunction(params, byLlr)
  for await (const { rows, numbers } of steps.read(table, ['a', 'n', 'b', 'key'])) {
    const a = numbers('a')
    const n = numbers('n')
    const b = numbers('b')
    const key = numbers('key')
    for (let row = 0; row < rows; row++) {
      const start = starts[numberOf[a[row] as number] as number] as number
      const place = start + (n[row] as number) - 1
      term[place] = b[row] as number
      weight[place] = weightOf(key[row] as number)
    }
  }
  sortTies(starts, term, weight)
  return { starts, term, weight }
}

function weightFunction({ scoring }: UniversalParams, byLlr: boolean): (key: number) => number {
  if (scoring !== 'weighted') return () => 1
  if (byLlr) return (llr) => roundWeight(Math.sqrt(llr))
  return (key) => roundWeight(key / WEIGHT_STEPS)
}

const numbered = (term: Uint32Array, numberOf: Int32Array): Uint32Array =>
  term.map((t) => numberOf[t] as number)

/** Only the terms that a list holds, numbered in the order of ids. */
function usedTerms(
  term: Uint32Array,
  texts: ReadonlyMap<number, string>,
  targets: number,
): Pick<IndicatorLists, 'terms' | 'term'> {
  const numberOf = new Int32Array(targets).fill(-1)
  for (const t of term) numberOf[t] = 0
  const terms = new Array<string>(renumber(numberOf))
  for (let t = 0; t < targets; t++) {
    const number = numberOf[t] as number
    if (number >= 0) terms[number] = texts.get(t) as string
  }
  return { terms, term: numbered(term, numberOf) }
}
