// One version in the item index of the tests: its model, and the documents of its app as a search sees them.
import { type IndexVersion, PRIOR_WEIGHT } from '#ports/item-index'
import type { Model } from '#schemas/model'
import { roundWeight } from '#schemas/numerics'
import type { FieldRule } from '#schemas/query'
import { ruleTexts } from '#schemas/rule-values'
import type { ItemState } from '#schemas/state'

export interface AppItems {
  states: Map<string, ItemState>
  /** Items seen as targets, by event. */
  seen: Map<string, Set<string>>
}

/** One document of a version, as one search sees it. */
export interface Document {
  readonly item: string
  /** indicator → id → weight */
  readonly lists: ReadonlyMap<string, ReadonlyMap<string, number>>
  readonly state: ItemState | undefined
}

export class MemoryVersion {
  readonly version: IndexVersion
  readonly model: Model
  /** False once the app's items were forgotten: items of the model count when they are told again. */
  modelItemsCount = true

  constructor(version: IndexVersion, model: Model) {
    this.version = version
    this.model = model
  }

  listsOf(item: string): Map<string, Map<string, number>> {
    const row = this.model.items.indexOf(item)
    const lists = new Map<string, Map<string, number>>()
    for (const { name, terms, starts, term, weight } of this.model.indicators) {
      const list = new Map<string, number>()
      for (let i = starts[row] ?? 0; row >= 0 && i < (starts[row + 1] ?? 0); i++) {
        list.set(terms[term[i] as number] as string, roundWeight(weight[i] as number))
      }
      lists.set(name, list)
    }
    return lists
  }

  documents(app: AppItems): Document[] {
    const items = new Set(this.modelItemsCount ? this.model.items : [])
    for (const event of this.version.primaryEvents) {
      for (const item of app.seen.get(event) ?? []) items.add(item)
    }
    for (const [item, state] of app.states) {
      if (state.exists && Object.keys(state.properties).length > 0) items.add(item)
    }
    return [...items].map((item) => ({
      item,
      lists: this.listsOf(item),
      state: app.states.get(item),
    }))
  }

  rankingOf(name: string, { item, state }: Document): number | undefined {
    if (this.version.userDefinedRankings.includes(name)) {
      const value = state?.properties[name]
      return typeof value === 'number' ? value : undefined
    }
    const ranking = this.model.rankings.find((r) => r.name === name)
    const value = ranking?.values[this.model.items.indexOf(item)]
    return value === undefined || Number.isNaN(value) ? undefined : value
  }

  /** The prior clause: only a trained ranking has a sum that stands still, and only positive values weigh. */
  prior(name: string | undefined, document: Document): number {
    const ranking = this.model.rankings.find((r) => r.name === name)
    if (name === undefined || ranking === undefined) return 0
    const value = this.rankingOf(name, document)
    if (value === undefined || !(value > 0)) return 0
    let sum = 0
    for (const v of ranking.values) if (v > 0) sum += v
    return roundWeight((PRIOR_WEIGHT * value) / sum)
  }
}

export const textsOf = (document: Document, field: string): readonly string[] => {
  const properties = document.state?.properties ?? {}
  return Object.hasOwn(properties, field) ? ruleTexts(properties[field] ?? null) : []
}

export const ruleMatches = (document: Document, rule: FieldRule): boolean =>
  textsOf(document, rule.field).some((text) => rule.values.includes(text))
