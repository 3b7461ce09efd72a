// An engine as the reference sees it, and the same as an engine.json. Everything is said: defaults are tested elsewhere.
import type { Json, JsonObject } from '#schemas/json'
import type { RankingType } from '#schemas/model'

export type Compatibility = 'none' | 'ur-0.7' | 'harness-0.6'

export interface Rule {
  readonly name: string
  readonly values: readonly string[]
  readonly bias: number
}

export interface Settings {
  readonly scoring: 'weighted' | 'global' | 'es5' | 'es7'
  readonly weights: 'acos' | 'llr'
  readonly compatibility: Compatibility
  /** The first is the primary one. */
  readonly indicators: readonly {
    readonly name: string
    readonly aliases: readonly string[]
    /** Events, or ids, of one user that count. */
    readonly limit: number
    readonly keep: number
    readonly minLlr: number | null
  }[]
  readonly minEvents: number
  /** Events that are older do not count. */
  readonly windowDays: number | null
  readonly removeDuplicates: boolean
  /** Where `eventNames` stand in place of `indicators`; then they have all the same limits and no aliases. */
  readonly shortcut: { readonly maxQueryEvents: number | null } | null
  readonly recsModel: 'all' | 'collabFiltering'
  readonly blacklist: readonly string[]
  readonly userBias: number
  readonly itemBias: number
  readonly itemSetBias: number
  readonly returnSelf: boolean
  readonly fields: readonly Rule[]
  readonly rankings: readonly {
    readonly name: string
    readonly type: RankingType
    readonly events: readonly string[]
    readonly days: number
    readonly offsetDate: string | null
  }[]
  readonly available: string | null
  readonly expires: string | null
  readonly num: number
  readonly seed: number
}

/** Under which the Universal Recommender's faults in training are kept. */
export function trainsAsOfOld({ scoring, compatibility }: Settings): boolean {
  return scoring !== 'weighted' && compatibility !== 'none'
}

function indicatorParameters({ indicators, shortcut }: Settings): JsonObject {
  if (shortcut === null) {
    const listed = indicators.map(({ name, aliases, limit, keep, minLlr }) => ({
      name,
      aliases: aliases as Json,
      maxItemsPerUser: limit,
      maxCorrelatorsPerItem: keep,
      minLLR: minLlr,
    }))
    return { indicators: listed }
  }
  return {
    eventNames: indicators.map(({ name }) => name),
    maxEventsPerEventType: indicators[0]?.limit ?? null,
    maxCorrelatorsPerEventType: indicators[0]?.keep ?? null,
    maxQueryEvents: shortcut.maxQueryEvents,
  }
}

/** Events, or ids, of one user that count in a query. */
export function queryLimit({ limit }: { limit: number }, settings: Settings): number {
  const { compatibility, shortcut } = settings
  if (shortcut === null) return limit
  if (compatibility === 'ur-0.7') return 100
  return Math.min(limit, compatibility === 'none' ? (shortcut.maxQueryEvents ?? limit) : limit)
}

/** Beyond how many entries the old engine cuts a list, to one less; null: it does not. */
export function oldCut({ compatibility, indicators, shortcut }: Settings): number | null {
  if (compatibility !== 'ur-0.7') return null
  if (shortcut !== null) return shortcut.maxQueryEvents ?? 100
  return 10 * indicators.reduce((sum, { limit }) => sum + limit, 0)
}

export function engineJson(settings: Settings): JsonObject {
  const { rankings, available, expires } = settings
  const params: JsonObject = {
    scoring: settings.scoring,
    weights: settings.weights,
    compatibility: settings.compatibility,
    recsModel: settings.recsModel,
    ...indicatorParameters(settings),
    blacklistEvents: settings.blacklist as Json,
    userBias: settings.userBias,
    itemBias: settings.itemBias,
    itemSetBias: settings.itemSetBias,
    returnSelf: settings.returnSelf,
    fields: settings.fields as unknown as Json,
    rankings: rankings.map(({ name, type, events, days, offsetDate }) => ({
      name,
      type,
      eventNames: events as Json,
      duration: `${days} days`,
      offsetDate,
    })),
    availableDateName: available,
    expireDateName: expires,
    num: settings.num,
    seed: settings.seed,
  }
  const { minEvents, removeDuplicates, windowDays } = settings
  const duration = windowDays === null ? null : `${windowDays} days`
  const eventWindow = { duration, removeDuplicates }
  return {
    id: 'reference',
    engineFactory: 'universal',
    datasource: { params: { appName: 'app-1', minEventsPerUser: minEvents, eventWindow } },
    algorithms: [{ name: 'ur', params }],
  }
}
