// What a training keeps of the archive: numbered users and targets, one growing set of pairs an indicator, counts for the
// rankings. Strings are met once; everything after works on numbers.
import type { ColumnBatch } from '#ports/archive'
import {
  ITEM_TYPE,
  type Ranking,
  type UniversalParams,
  USER_TYPE,
} from '#schemas/engines/universal'
import { Dictionary } from '../../algorithms/dictionary.ts'
import { Pairs } from '../../algorithms/pairs.ts'
import { PopularCounter } from '../../algorithms/popular.ts'

export const TRAINING_COLUMNS = [
  'entityType',
  'entityId',
  'event',
  'targetEntityType',
  'targetEntityId',
  'eventTime',
] as const

/** What events of one name are for. */
interface Use {
  readonly pairs: Pairs | null
  readonly counters: readonly PopularCounter[]
}

export interface CountedRanking {
  readonly ranking: Ranking
  readonly counter: PopularCounter
}

export class TrainingData {
  readonly users = new Dictionary()
  readonly targets = new Dictionary()
  /** By indicator, in their order. */
  readonly pairs: readonly Pairs[]
  /** The rankings that are computed: `userDefined` ones are live properties. */
  readonly rankings: readonly CountedRanking[]
  /** Numbers of the item entities that were ever `$set`; filled only where a ranking may name others. */
  readonly entities = new Set<number>()
  /** Events read, of any name. */
  events = 0
  readonly #uses = new Map<string, Use>()
  readonly #anyTarget: boolean
  readonly #wantsEntities: boolean

  constructor(params: UniversalParams, asOf: number) {
    this.#anyTarget = params.scoring === 'global'
    this.pairs = params.indicators.map(() => new Pairs())
    this.rankings = params.rankings
      .filter(({ type }) => type === 'popular')
      .map((ranking) => {
        const end = ranking.offsetDate ?? asOf
        return { ranking, counter: new PopularCounter({ start: end - ranking.duration, end }) }
      })
    const primary = params.indicators[0].name
    const ranked = params.rankings.flatMap(({ eventNames }) => eventNames)
    this.#wantsEntities = !this.#anyTarget && ranked.some((name) => name !== primary)
    for (const name of new Set([...params.indicators.map(({ name }) => name), ...ranked])) {
      const at = params.indicators.findIndex((indicator) => indicator.name === name)
      const counting = this.rankings.filter(({ ranking }) => ranking.eventNames.includes(name))
      this.#uses.set(name, {
        pairs: this.pairs[at] ?? null,
        counters: counting.map(({ counter }) => counter),
      })
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
      const use = this.#uses.get(name)
      const type = entityType[row] as string
      if (use === undefined) {
        if (this.#wantsEntities && name === '$set' && type === ITEM_TYPE) {
          this.entities.add(this.targets.add(entityId[row] as string))
        }
        continue
      }
      const target = targetEntityId[row] as string | null
      if (target === null) continue
      const ofItem = targetEntityType[row] === ITEM_TYPE
      // The scoring of old ranked targets of any type.
      if (!ofItem && !this.#anyTarget) continue
      const number = this.targets.add(target)
      const time = eventTime[row] as number
      for (const counter of use.counters) counter.add(number, time)
      if (use.pairs !== null && ofItem && type === USER_TYPE) {
        use.pairs.add(this.users.add(entityId[row] as string), number, time)
      }
    }
  }
}
