// Matrices → the lists of a model: for each item the correlated ids of each indicator and their weights.
import type { Indicator, UniversalParams } from '#schemas/engines/universal'
import type { IndicatorLists } from '#schemas/model'
import { roundWeight } from '#schemas/numerics'
import { acosJob, WEIGHT_STEPS } from '../../algorithms/acos.ts'
import { floatOf, llrJob, xLogXTable } from '../../algorithms/cross-occurrence.ts'
import { transposed } from '../../algorithms/csr.ts'
import type { RowJob, RowLists, RowRunner } from '../../algorithms/row-job.ts'
import type { IndicatorMatrix, Matrices } from './matrices.ts'
import { sortTies } from './sort-ties.ts'
import type { TrainingData } from './training-data.ts'

export interface ListsOptions {
  readonly data: TrainingData
  readonly params: UniversalParams
  readonly matrices: Matrices
  readonly ranks: Uint32Array
  /** The model's items, sorted, and the number each has as a target. */
  readonly items: readonly string[]
  readonly itemTargets: Uint32Array
  readonly correlate: RowRunner
  /** Told rows done of rows in all, over all indicators. */
  readonly progress: (done: number, total: number) => void
}

/** The lists of every indicator, in the configured order. */
export async function indicatorLists(options: ListsOptions): Promise<readonly IndicatorLists[]> {
  const { data, params, matrices, ranks, correlate, progress } = options
  const primary = matrices.indicators[0] as IndicatorMatrix
  const items = transposed(primary.matrix)
  const byLlr = params.scoring !== 'weighted' || params.weights === 'llr'
  const xLogX = byLlr ? xLogXTable(matrices.users) : new Float64Array()
  const total = items.rows * matrices.indicators.length
  const all: IndicatorLists[] = []
  for (const [i, indicator] of params.indicators.entries()) {
    const { matrix: ids, targetOf } = matrices.indicators[i] as IndicatorMatrix
    // Terms are numbered in the order of ids; those of the primary indicator are the items themselves.
    const order = i === 0 ? options.itemTargets : targetOf.slice().sort(by(ranks))
    const termOf = termNumbers(targetOf, order, data.targets.size)
    const common = {
      primary: primary.matrix,
      ids,
      items,
      termOf,
      keep: indicator.maxCorrelatorsPerItem,
    }
    const job: RowJob = byLlr
      ? llrJob({
          ...common,
          xLogX,
          aboveChance: params.scoring === 'weighted',
          minimum: indicator.minLlr ?? 0,
        })
      : acosJob(common)
    const before = items.rows * i
    await correlate(job, (begun) => progress(before + begun, total))
    const rows = termNumbers(primary.targetOf, options.itemTargets, data.targets.size)
    const lists = packed(job.lists, rows, options.items.length, weightFunction(params, byLlr))
    const terms =
      i === 0
        ? { terms: options.items, term: lists.term }
        : usedTerms(lists.term, order, (target) => data.targets.text(target))
    all.push({ name: nameOf(indicator), starts: lists.starts, weight: lists.weight, ...terms })
  }
  return all
}

const nameOf = ({ name }: Indicator): string => name

const by =
  (ranks: Uint32Array) =>
  (a: number, b: number): number =>
    (ranks[a] as number) - (ranks[b] as number)

/** For each column the place of its target in `order`. */
function termNumbers(targetOf: Uint32Array, order: Uint32Array, targets: number): Uint32Array {
  const places = new Uint32Array(targets)
  for (let place = 0; place < order.length; place++) places[order[place] as number] = place
  const terms = new Uint32Array(new SharedArrayBuffer(targetOf.length * 4))
  for (let c = 0; c < terms.length; c++) terms[c] = places[targetOf[c] as number] as number
  return terms
}

function weightFunction(params: UniversalParams, byLlr: boolean): (key: number) => number {
  if (params.scoring !== 'weighted') return () => 1
  if (byLlr) return (key) => roundWeight(Math.sqrt(floatOf(key)))
  return (key) => roundWeight(key / WEIGHT_STEPS)
}

/** Rows in the order of the model's items, one behind the other. */
function packed(
  lists: RowLists,
  itemOfRow: Uint32Array,
  items: number,
  weightOf: (key: number) => number,
): Pick<IndicatorLists, 'starts' | 'term' | 'weight'> {
  const starts = new Uint32Array(items + 1)
  for (let row = 0; row < itemOfRow.length; row++) {
    starts[(itemOfRow[row] as number) + 1] = lists.count[row] as number
  }
  for (let item = 0; item < items; item++) {
    starts[item + 1] = (starts[item + 1] as number) + (starts[item] as number)
  }
  const term = new Uint32Array(starts[items] as number)
  const weight = new Float32Array(term.length)
  for (let row = 0; row < itemOfRow.length; row++) {
    let to = starts[itemOfRow[row] as number] as number
    const from = row * lists.keep
    for (let n = 0; n < (lists.count[row] as number); n++, to++) {
      term[to] = lists.term[from + n] as number
      weight[to] = weightOf(lists.key[from + n] as number)
    }
  }
  sortTies(starts, term, weight)
  return { starts, term, weight }
}

/** Only the terms that a list holds, numbered anew in the same order. */
function usedTerms(
  term: Uint32Array,
  order: Uint32Array,
  textOf: (target: number) => string,
): Pick<IndicatorLists, 'terms' | 'term'> {
  const numbers = new Int32Array(order.length).fill(-1)
  for (const t of term) numbers[t] = 0
  const terms: string[] = []
  for (let t = 0; t < order.length; t++) {
    if (numbers[t] !== 0) continue
    numbers[t] = terms.length
    terms.push(textOf(order[t] as number))
  }
  return { terms, term: term.map((t) => numbers[t] as number) }
}
