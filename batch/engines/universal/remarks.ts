// What a training says of events that are not there: names that nobody sends are names misspelt as often as not.
import type { Ranking, UniversalParams } from '#schemas/engines/universal'
import { nearestName } from '#schemas/nearest-name'
import { OTHER_NAMES_MAX, type TrainingData } from './training-data.ts'

/** What there was, however it was counted. */
export interface Found {
  /** Events of users on items, by indicator. */
  readonly pairCounts: readonly number[]
  /** Names of events that are no indicator's, sorted; at `OTHER_NAMES_MAX` there may be more. */
  readonly otherNames: readonly string[]
  /** The rankings that are computed. */
  readonly rankings: readonly Ranking[]
}

export const foundIn = (data: TrainingData): Found => ({
  pairCounts: data.pairs.map(({ length }) => length),
  otherNames: [...data.otherNames].sort(),
  rankings: data.rankings.map(({ ranking }) => ranking),
})

/** Indicators without events, but the primary one, without which there is no training; and rankings that count none. */
export function remarksOn(found: Found, params: UniversalParams): readonly string[] {
  const advice = (name: string): string => {
    const near = nearestName(name, found.otherNames)
    return near === null ? '' : ` Did you mean ${near}?`
  }
  const silent = params.indicators
    .filter((_, i) => i > 0 && found.pairCounts[i] === 0)
    .map(({ name }) => `the indicator ${name} has no events of users on items.${advice(name)}`)
  // Beyond that many names it is not known which there are.
  if (found.otherNames.length >= OTHER_NAMES_MAX) return silent
  const known = new Set([...params.indicators.flatMap(({ events }) => events), ...found.otherNames])
  const ranked = found.rankings.flatMap((ranking) =>
    ranking.eventNames
      .filter((name) => !known.has(name))
      .map(
        (name) =>
          `the ranking ${ranking.name} counts ${name} events; there are none.${advice(name)}`,
      ),
  )
  return [...silent, ...ranked]
}

/** Why no user counts, for a sentence that ends with it. */
export function whyNoUsers(found: Found, params: UniversalParams): string {
  const [primary] = params.indicators
  if ((found.pairCounts[0] ?? 0) > 0) {
    return `no user has ${params.minEventsPerUser} of them (minEventsPerUser)`
  }
  const others = params.indicators.slice(1).filter((_, i) => (found.pairCounts[i + 1] ?? 0) > 0)
  const known = [...others.map(({ name }) => name), ...found.otherNames]
  if (known.length === 0) return 'it has none that users did to items'
  const near = nearestName(primary.name, known)
  return near === null ? `it has ${known.join(', ')}` : `did you mean ${near}`
}
