// `recsModel: "backfill"`: only the rankings are computed anew; lists stay as the newest model has them.
import type { UniversalParams } from '#schemas/engines/universal'
import type { IndicatorLists, Model } from '#schemas/model'
import { rankedTargets, rankingValues } from './ranked-targets.ts'
import type { TrainingData } from './training-data.ts'

/** @param previous the newest model, or null: then there are no lists, and the rankings answer alone */
export function backfilled(
  data: TrainingData,
  params: UniversalParams,
  previous: Model | null,
): Model {
  const ranked = rankedTargets(data, params).map((target) => data.targets.text(target))
  const items = [...new Set([...(previous?.items ?? []), ...ranked])].sort((a, b) =>
    a < b ? -1 : 1,
  )
  const numbers = new Map(items.map((item, number) => [item, number]))
  const indicators = params.indicators.map(({ name }, i) => {
    const at = previous?.indicators.findIndex((known) => known.name === name) ?? -1
    const lists = previous?.indicators[at]
    // Only the primary indicator's ids are the items: another one cannot take its place.
    if (previous === null || lists === undefined || (i === 0) !== (at === 0)) {
      return emptyLists(name, items, i === 0)
    }
    return moved(lists, previous.items, numbers, i === 0 ? items : null)
  })
  const targets = Uint32Array.from(items, (item) => data.targets.add(item))
  return { items, indicators, rankings: rankingValues(data, targets) }
}

function emptyLists(name: string, items: readonly string[], isPrimary: boolean): IndicatorLists {
  return {
    name,
    terms: isPrimary ? items : [],
    starts: new Uint32Array(items.length + 1),
    term: new Uint32Array(),
    weight: new Float32Array(),
  }
}

/** The same lists as rows of more items; with `terms`, which hold all of theirs, their terms are numbered anew. */
function moved(
  lists: IndicatorLists,
  rows: readonly string[],
  numbers: ReadonlyMap<string, number>,
  terms: readonly string[] | null,
): IndicatorLists {
  const starts = new Uint32Array(numbers.size + 1)
  for (const [row, item] of rows.entries()) {
    const length = (lists.starts[row + 1] as number) - (lists.starts[row] as number)
    starts[(numbers.get(item) as number) + 1] = length
  }
  for (let item = 0; item < numbers.size; item++) {
    starts[item + 1] = (starts[item + 1] as number) + (starts[item] as number)
  }
  // Rows and items are both in the order of ids, so the entries stay where they are.
  const term =
    terms === null
      ? lists.term
      : lists.term.map((old) => numbers.get(lists.terms[old] as string) as number)
  return { name: lists.name, terms: terms ?? lists.terms, starts, term, weight: lists.weight }
}
