// One open version: a model's postings and rankings over the item table of its app, and which items are its documents:
// see documents.ts.
import { type IndexVersion, PRIOR_WEIGHT } from '#ports/item-index'
import type { Model, RankingValues } from '#schemas/model'
import { roundWeight } from '#schemas/numerics'
import { type Documents, followDocuments } from './documents.ts'
import type { ItemTable } from './item-table.ts'
import { buildPostings, type Postings, type Rows } from './postings.ts'
import { Shards } from './shards.ts'
import { SLICE, type Steps } from './steps.ts'

export interface IndexRanking {
  readonly name: string
  /** By item number; NaN, or beyond the end: the item has none. */
  values: Float64Array<ArrayBuffer>
  /** Weights of the prior clause by item number; null when it is no trained ranking. */
  readonly prior: Float32Array | null
  readonly priorMax: number
}

export interface OpenVersion {
  readonly version: IndexVersion
  readonly table: ItemTable
  readonly rows: Rows
  readonly postings: ReadonlyMap<string, Postings>
  readonly rankings: ReadonlyMap<string, IndexRanking>
  readonly documents: Documents
  readonly shards: Shards
}

/** Builds a version over the items as they are; changes from now on are followed until `detach`. */
export function* buildVersion(
  version: IndexVersion,
  model: Model,
  table: ItemTable,
): Steps<OpenVersion> {
  const rows = yield* registerRows(model, table)
  const rankings = new Map<string, IndexRanking>()
  for (const ranking of model.rankings) {
    rankings.set(ranking.name, modelRanking(ranking, rows))
    yield
  }
  for (const name of version.userDefinedRankings) rankings.set(name, liveRanking(name, table))
  const postings = new Map<string, Postings>()
  for (const lists of model.indicators) {
    postings.set(lists.name, yield* buildPostings(lists, rows, table))
  }
  const shards = new Shards(table, rows)
  const documents = yield* followDocuments({ version, table, rows, rankings, shards })
  return { version, table, rows, postings, rankings, documents, shards }
}

function* registerRows(model: Model, table: ItemTable): Steps<Rows> {
  const itemOf = new Uint32Array(model.items.length)
  for (const [row, id] of model.items.entries()) {
    itemOf[row] = table.register(id)
    if (row % (SLICE / 8) === SLICE / 8 - 1) yield
  }
  const rowOf = new Int32Array(table.size).fill(-1)
  for (let row = 0; row < itemOf.length; row++) rowOf[itemOf[row] as number] = row
  return { itemOf, rowOf }
}

function modelRanking({ name, values }: RankingValues, { itemOf, rowOf }: Rows): IndexRanking {
  const byItem = new Float64Array(rowOf.length).fill(Number.NaN)
  const prior = new Float32Array(rowOf.length)
  let sum = 0
  for (const value of values) if (value > 0) sum += value
  let priorMax = 0
  for (let row = 0; row < itemOf.length; row++) {
    const item = itemOf[row] as number
    const value = values[row] as number
    byItem[item] = value
    if (!(value > 0)) continue
    const weight = roundWeight((PRIOR_WEIGHT * value) / sum)
    prior[item] = weight
    if (weight > priorMax) priorMax = weight
  }
  return { name, values: byItem, prior, priorMax }
}

function liveRanking(name: string, table: ItemTable): IndexRanking {
  const values = new Float64Array(table.size).fill(Number.NaN)
  const column = table.column(name)
  for (let item = 0; column !== undefined && item < values.length; item++) {
    values[item] = column.number(item)
  }
  return { name, values, prior: null, priorMax: 0 }
}
