// What a training keeps of the archive: numbered users and targets, one growing set of pairs an indicator, counts for the
// rankings. Strings are met once; everything after works on numbers.
import type { ColumnBatch } from '#ports/archive'
import {
  ITEM_TYPE,
  type Ranking,
  type UniversalParams,
  USER_TYPE,
} from '#schemas/engines/universal'
import { ranksForeignTargets } from '#schemas/engines/universal-quirks'
import { Dictionary } from '../../algorithms/dictionary.ts'
import { type NewestEvent, NewestEvents } from '../../algorithms/newest-events.ts'
import { Pairs } from '../../algorithms/pairs.ts'
import { RandomRanking } from '../../algorithms/random-ranking.ts'
import { RankingCounter } from '../../algorithms/ranking-counter.ts'

export const TRAINING_COLUMNS = [
  'entityType',
  'entityId',
  'event',
  'targetEntityType',
  'targetEntityId',
  'eventTime',
] as const

export const OTHER_NAMES_MAX = 20

/** What events of one name are for. */
interface Use {
  readonly pairs: Pairs | null
  readonly counters: readonly Counter[]
}

/** What a ranking keeps of events. */
interface Counter {
  add(target: number, time: number): void
  /** NaN where the target has none. */
  value(target: number, id: string): number
}

export interface ComputedRanking {
  readonly ranking: Ranking
  readonly counter: Counter
}

export class TrainingData {
  readonly users = new Dictionary()
  readonly targets = new Dictionary()
  /** By indicator, in their order. */
  readonly pairs: readonly Pairs[]
  /** The rankings that are computed: `userDefined` ones are live properties. */
  readonly rankings: readonly ComputedRanking[]
  /**
   * Numbers of targets that are items though no user did the primary event to them: somebody else did, or they were ever
   * `$set` (those only where a ranking needs them).
   */
  readonly items = new Set<number>()
  /** Some names of events that are no indicator's, for messages. */
  readonly otherNames = new Set<string>()
  /** Events read, of any name. */
  events = 0
  readonly #uses = new Map<string, Use>()
  /** Of events that are for nothing else: in `ur-0.7` a random ranking has the targets of all events. */
  readonly #otherUse: Use | undefined
  readonly #randoms: readonly RandomRanking[]
  readonly #anyTarget: boolean
  readonly #wantsEntities: boolean
  /** Events before it are too old to count. */
  readonly #since: number
  /** Where repeats are no events of their own, all events until they are settled. */
  readonly #newest: NewestEvents | null

  constructor(params: UniversalParams, asOf: number) {
    const { duration, removeDuplicates } = params.eventWindow
    this.#since = duration === null ? Number.NEGATIVE_INFINITY : asOf - duration
    this.#newest = removeDuplicates ? new NewestEvents() : null
    this.#anyTarget = ranksForeignTargets(params)
    this.pairs = params.indicators.map(() => new Pairs())
    this.rankings = params.rankings.flatMap((ranking) => {
      const counter = counterOf(ranking, params.seed, asOf)
      return counter === null ? [] : [{ ranking, counter }]
    })
    this.#randoms = this.rankings.flatMap(({ counter }) =>
      counter instanceof RandomRanking ? [counter] : [],
    )
    const primary = params.indicators[0].events
    const ranked = params.rankings.flatMap(({ eventNames }) => eventNames)
    this.#wantsEntities =
      this.#randoms.length > 0 ||
      (!this.#anyTarget && ranked.some((name) => !primary.includes(name)))
    const everyEvent = this.#anyTarget ? this.#randoms : []
    this.#otherUse = everyEvent.length > 0 ? { pairs: null, counters: everyEvent } : undefined
    for (const name of new Set([...params.indicators.flatMap(({ events }) => events), ...ranked])) {
      const at = params.indicators.findIndex(({ events }) => events.includes(name))
      const counting = this.rankings.filter(({ ranking }) => ranking.eventNames.includes(name))
      const counters = new Set([...counting.map(({ counter }) => counter), ...everyEvent])
      this.#uses.set(name, { pairs: this.pairs[at] ?? null, counters: [...counters] })
    }
  }

  /** Takes one batch of the archive with all of TRAINING_COLUMNS. */
  add(batch: ColumnBatch): void {
    const { rows, entityType, entityId, event, targetEntityType, targetEntityId, eventTime } = batch
    if (!(entityType && entityId && event && targetEntityType && targetEntityId && eventTime))
      return
    this.events += rows
    for (let row = 0; row < rows; row++) {
      const name = event[row] as string
      const use = this.#uses.get(name) ?? this.#otherUse
      const type = entityType[row] as string
      if (this.#wantsEntities && name === '$set' && type === ITEM_TYPE) {
        this.#meetEntity(entityId[row] as string)
      }
      if (use === undefined || use.pairs === null) this.#meetName(name)
      if (use === undefined) continue
      const target = targetEntityId[row] as string | null
      if (target === null) continue
      const isItem = targetEntityType[row] === ITEM_TYPE
      // Of old targets of any type were ranked.
      if (!isItem && !this.#anyTarget) continue
      const time = eventTime[row] as number
      if (time < this.#since) continue
      const number = this.targets.add(target)
      const id = entityId[row] as string
      if (this.#newest === null) this.#count(use, type, id, number, isItem, time)
      else {
        this.#newest.add({
          event: name,
          entityType: type,
          entityId: id,
          target: number,
          isItem,
          time,
        })
      }
    }
  }

  /** To be called once, when all batches are there. */
  settle(): void {
    this.#newest?.forEach(({ event, entityType, entityId, target, isItem, time }: NewestEvent) => {
      const use = this.#uses.get(event) ?? this.#otherUse
      if (use !== undefined) this.#count(use, entityType, entityId, target, isItem, time)
    })
  }

  #count(
    { counters, pairs }: Use,
    entityType: string,
    entityId: string,
    target: number,
    isItem: boolean,
    time: number,
  ): void {
    for (const counter of counters) counter.add(target, time)
    if (pairs === null || !isItem) return
    if (entityType === USER_TYPE) pairs.add(this.users.add(entityId), target, time)
    else if (pairs === this.pairs[0]) this.items.add(target)
  }

  #meetName(name: string): void {
    if (this.otherNames.size < OTHER_NAMES_MAX && !name.startsWith('$')) this.otherNames.add(name)
  }

  #meetEntity(id: string): void {
    const target = this.targets.add(id)
    this.items.add(target)
    for (const ranking of this.#randoms) ranking.know(target)
  }
}

/** Null for a ranking that is a live property. */
function counterOf(ranking: Ranking, seed: number, asOf: number): Counter | null {
  const end = ranking.offsetDate ?? asOf
  const window = { start: end - ranking.duration, end }
  if (ranking.type === 'userDefined') return null
  if (ranking.type === 'random') return new RandomRanking(seed, window)
  return new RankingCounter(ranking.type, window)
}
