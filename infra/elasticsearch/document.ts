// The document of an item in a version, and how writers agree on it. The publisher knows the lists of the model, the sink
// the newest state; each reads what stands there, merges its part, and writes only if nobody wrote meanwhile. A state of a
// lower offset never replaces one of a higher.
import { createHash } from 'node:crypto'
import { PRIOR_WEIGHT } from '#ports/item-index'
import type { Model } from '#schemas/model'
import { roundWeight } from '#schemas/numerics'
import { oldShardOf } from '#schemas/old-weights'
import { dateOf, ruleTexts } from '#schemas/rule-values'
import type { ItemState } from '#schemas/state'
import {
  evidenceTerm,
  fieldName,
  indicatorField,
  lengthTerms,
  priorTerm,
  propertyField,
  toKey,
  valueTerm,
} from './keys.ts'
import type { VersionMeta } from './versions.ts'

/** What is known of an item, to be merged into its document. */
export interface ItemPart {
  readonly item: string
  readonly state: ItemState | null
  /** It was a target of the version's primary event. */
  readonly seen: boolean
  readonly model: ModelPart | null
}

/** What the model says of one of its items. */
export interface ModelPart {
  readonly evidence: Readonly<Record<string, number>>
  readonly lists: readonly string[]
  readonly rank: Readonly<Record<string, number>>
}

/** The members of a document that decide how it is merged. */
export interface KnownDocument {
  readonly model: boolean
  readonly seen: boolean
  /** -1: no state was told. */
  readonly offset: number
  readonly deleted: boolean
  readonly described: boolean
  /** Of the state, so that one that is told again is not written again. */
  readonly digest: string
  readonly date?: Readonly<Record<string, number | null>>
}

export const KNOWN_MEMBERS = ['model', 'seen', 'offset', 'deleted', 'described', 'digest', 'date']

const UNKNOWN: KnownDocument = {
  model: false,
  seen: false,
  offset: -1,
  deleted: false,
  described: false,
  digest: '',
}

type Members = Readonly<Record<string, unknown>>

/** What to write of an item's document, whole or in part; null when it says all that already. */
export function mergeDocument(
  known: KnownDocument | null,
  part: ItemPart,
  { version, clears }: VersionMeta,
): Members | null {
  const before = known ?? UNKNOWN
  const { state } = part
  const isNewer = state !== null && replaces(state, before)
  const model = before.model || part.model !== null
  const seen = before.seen || part.seen
  if (known !== null && !isNewer && model === before.model && seen === before.seen) return null
  const deleted = isNewer ? state.deleted : before.deleted
  const described = isNewer ? isDescribed(state) : before.described
  // Once the app's items were forgotten, those of the model count only when they are told again.
  const document = (model && clears === 0) || seen || described
  return {
    ...(known === null && { item: toKey(part.item), shard: oldShardOf(part.item), offset: -1 }),
    ...modelMembers(part.model, before),
    ...(isNewer && stateMembers(state, before, version.userDefinedRankings, part.model)),
    model,
    seen,
    deleted,
    described,
    document,
    live: document && !deleted,
  }
}

/** What is left of an item of the model when the app's items are forgotten. */
export function forgottenMembers(known: KnownDocument, rankings: readonly string[]): Members {
  const nothing: ItemState = { item: '', offset: -1, exists: false, deleted: false, properties: {} }
  return {
    ...stateMembers(nothing, known, rankings, null),
    seen: false,
    deleted: false,
    described: false,
    document: false,
    live: false,
  }
}

/** Whether a state is to be written over what is known. */
export function replaces(
  state: ItemState,
  known: { readonly offset: number; readonly digest: string },
): boolean {
  if (state.offset !== known.offset) return state.offset > known.offset
  return stateDigest(state) !== known.digest
}

export function stateDigest({ exists, deleted, properties }: ItemState): string {
  const text = JSON.stringify([exists, deleted, properties])
  return createHash('sha256').update(text).digest('base64').slice(0, 20)
}

export function isDescribed({ exists, properties }: ItemState): boolean {
  return exists && Object.keys(properties).length > 0
}

function modelMembers(model: ModelPart | null, before: KnownDocument): Members {
  if (model === null || before.model) return {}
  const { evidence, lists, rank } = model
  return { lists, rank, ...(Object.keys(evidence).length > 0 && { evidence }) }
}

function stateMembers(
  state: ItemState,
  { date: dateBefore = {} }: KnownDocument,
  rankings: readonly string[],
  model: ModelPart | null,
): Members {
  const { offset, properties } = state
  const fields: string[] = []
  const text: string[] = []
  // A partial write merges objects: what is gone has to be said.
  const date: Record<string, number | null> = {}
  for (const name of Object.keys(dateBefore)) date[name] = null
  for (const [name, value] of Object.entries(properties)) {
    const texts = ruleTexts(value)
    if (texts.length > 0) {
      const field = propertyField(name)
      fields.push(field, ...lengthTerms(field, texts.length))
      for (const one of texts) text.push(valueTerm(name, one))
    }
    const time = dateOf(value)
    if (!Number.isNaN(time)) date[fieldName(name)] = finite(time)
  }
  const rank = rankings.map((name) => {
    const value = Object.hasOwn(properties, name) ? properties[name] : null
    return [fieldName(name), typeof value === 'number' ? finite(value) : null] as const
  })
  return {
    offset,
    digest: stateDigest(state),
    fields,
    text,
    date,
    ...(rank.length > 0 && { rank: { ...model?.rank, ...Object.fromEntries(rank) } }),
  }
}

/** JSON has no infinity. The sum makes a zero of a negative zero, which Elasticsearch would sort below. */
function finite(value: number): number {
  return Math.min(Math.max(value, -Number.MAX_VALUE), Number.MAX_VALUE) + 0
}

/** The smallest weight that Elasticsearch takes. */
const WEIGHT_MIN = 2 ** -126

/** Reads the rows of a model as parts of documents. Rankings that are live in this version are left out. */
export function createModelReader(
  model: Model,
  userDefined: readonly string[],
): (row: number) => ModelPart {
  const rankings = model.rankings
    .filter(({ name }) => !userDefined.includes(name))
    .map(({ name, values }) => {
      let sum = 0
      for (const value of values) if (value > 0) sum += value
      return { field: fieldName(name), term: priorTerm(name), values, sum }
    })
  return (row) => {
    const evidence: Record<string, number> = {}
    const lists: string[] = []
    const rank: Record<string, number> = {}
    for (const [place, { terms, starts, term, weight }] of model.indicators.entries()) {
      const from = starts[row] as number
      const to = starts[row + 1] as number
      if (to === from) continue
      const field = indicatorField(place)
      lists.push(field, ...lengthTerms(field, to - from))
      for (let i = from; i < to; i++) {
        const id = terms[term[i] as number] as string
        evidence[evidenceTerm(place, id)] = Math.max(weight[i] as number, WEIGHT_MIN)
      }
    }
    for (const { field, term, values, sum } of rankings) {
      const value = values[row] as number
      if (Number.isNaN(value)) continue
      rank[field] = finite(value)
      const prior = value > 0 ? roundWeight((PRIOR_WEIGHT * value) / sum) : 0
      if (prior >= WEIGHT_MIN) evidence[term] = prior
    }
    return { evidence, lists, rank }
  }
}
