// What an item scores: by weights, or as the stacks of old did, value by value in float32.
import { murmur3 } from '#schemas/hashes'
import { type Item, textsOf } from './items.ts'
import { type ReferenceModel, shortened } from './model.ts'
import type { Rule, Settings } from './settings.ts'

const { fround } = Math

export interface Clause {
  readonly indicator: string
  readonly ids: readonly string[]
  readonly boost: number
  readonly must: boolean
}

export interface Scored {
  readonly id: string
  readonly score: number
  readonly ranks: readonly (number | undefined)[]
}

interface ScoreInput {
  readonly id: string
  readonly clauses: readonly Clause[]
  readonly rules: readonly Rule[]
  readonly items: ReadonlyMap<string, Item>
  readonly model: ReferenceModel
  readonly settings: Settings
  /** The one that sorts first. */
  readonly ranking: string | undefined
}

export function shardOf(id: string): number {
  return Number(((BigInt.asIntN(32, BigInt(murmur3(id))) % 5n) + 5n) % 5n)
}

export function scoreOf(input: ScoreInput): number {
  return input.settings.scoring === 'weighted' ? weightedScore(input) : oldScore(input)
}

function weightedScore({ id, clauses, rules, items, model, ranking }: ScoreInput): number {
  let sum = 0
  for (const { indicator, ids, boost } of clauses) {
    const list = new Map(model.lists.get(indicator)?.get(id))
    for (const one of ids) sum += boost * (list.get(one) ?? 0)
  }
  const values = model.ranks.get(ranking ?? '') ?? new Map<string, number>()
  const positive = [...values.values()].filter((value) => value > 0)
  const all = positive.reduce((total, value) => total + value, 0)
  const value = values.get(id) ?? 0
  const prior = value > 0 ? shortened((1e-6 * value) / all) : 0
  let product = 1
  for (const rule of rules) {
    const has = textsOf(items.get(id), rule.name).some((text) => rule.values.includes(text))
    if (rule.bias > 0 && has) product *= rule.bias
  }
  return fround(fround(sum + prior) * product)
}

/** Terms of one field with one boost; a field is what texts the items have in it. */
interface FieldClause {
  readonly field: ReadonlyMap<string, readonly string[]>
  readonly terms: readonly string[]
  readonly boost: number
}

function oldScore(input: ScoreInput): number {
  const { id, settings } = input
  const clauses = fieldClauses(input)
  const parts = settings.scoring === 'es7' ? termByTerm(clauses) : clauses
  let score = 0
  for (const { field, terms, boost } of parts) {
    let sum = 0
    for (const term of terms) {
      if (field.get(id)?.includes(term)) sum += termScore(field, term, boost, id, settings)
    }
    score += fround(sum)
  }
  return fround(score)
}

function fieldClauses({ clauses, rules, items, model }: ScoreInput): FieldClause[] {
  const lists = new Map(
    [...model.lists].map(([name, ofItems]) => [
      name,
      new Map([...ofItems].map(([item, list]) => [item, list.map(([id]) => id)])),
    ]),
  )
  const properties = new Map(
    rules.map(({ name }) => [
      name,
      new Map([...items].map(([id, item]) => [id, textsOf(item, name)])),
    ]),
  )
  const evidence = clauses.map(({ indicator, ids, boost }) => ({
    field: lists.get(indicator) ?? new Map<string, string[]>(),
    terms: ids,
    boost,
  }))
  const boosts = rules
    .filter(({ bias }) => bias > 0)
    .map(({ name, values, bias }) => ({
      field: properties.get(name) ?? new Map<string, string[]>(),
      terms: [...new Set(values)],
      boost: bias,
    }))
  return [...evidence, ...boosts]
}

/** Elasticsearch 7: each term is a clause, and equal ones are one with their boosts added. */
function termByTerm(clauses: readonly FieldClause[]): FieldClause[] {
  const parts: FieldClause[] = []
  for (const { field, terms, boost } of clauses) {
    for (const term of terms) {
      const at = parts.findIndex((part) => part.field === field && part.terms[0] === term)
      const before = parts[at]
      if (before === undefined) parts.push({ field, terms: [term], boost })
      else parts[at] = { ...before, boost: before.boost + boost }
    }
  }
  return parts
}

function termScore(
  field: FieldClause['field'],
  term: string,
  boost: number,
  id: string,
  { scoring }: Settings,
): number {
  const counted = [...field]
    .filter(
      ([other, texts]) => texts.length > 0 && (scoring !== 'es5' || shardOf(other) === shardOf(id)),
    )
    .map(([, texts]) => texts)
  const having = counted.filter((texts) => texts.includes(term)).length
  const idf = fround(Math.log(1 + (counted.length - having + 0.5) / (having + 0.5)))
  if (scoring === 'global') return fround(idf * boost)
  const factor = fround(2.2)
  if (scoring === 'es5') return fround(fround(fround(idf * fround(boost)) * factor) / factor)
  const average = fround(counted.reduce((sum, texts) => sum + texts.length, 0) / counted.length)
  const length = fround(fround(0.25) + fround(fround(0.75) / average))
  const inverse = fround(1 / fround(fround(1.2) * length))
  const weight = fround(fround(fround(boost) * factor) * idf)
  return fround(weight - fround(weight / fround(1 + inverse)))
}
