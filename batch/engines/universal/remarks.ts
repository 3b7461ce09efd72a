// What a training says of events that are not there: names that nobody sends are names misspelt as often as not.
import type { UniversalParams } from '#schemas/engines/universal'
import { nearestName } from '#schemas/nearest-name'
import { OTHER_NAMES_MAX, type TrainingData } from './training-data.ts'

/** Indicators without events, but the primary one, without which there is no training; and rankings that count none. */
export function remarksOn(data: TrainingData, params: UniversalParams): readonly string[] {
  const advice = (name: string): string => {
    const near = nearestName(name, [...data.otherNames])
    return near === null ? '' : ` Did you mean ${near}?`
  }
  const silent = params.indicators
    .filter((_, i) => i > 0 && data.pairs[i]?.length === 0)
    .map(({ name }) => `the indicator ${name} has no events of users on items.${advice(name)}`)
  // Beyond that many names it is not known which there are.
  if (data.otherNames.size >= OTHER_NAMES_MAX) return silent
  const indicated = new Set(params.indicators.flatMap(({ events }) => events))
  const ranked = data.rankings.flatMap(({ ranking }) =>
    ranking.eventNames
      .filter((name) => !indicated.has(name) && !data.otherNames.has(name))
      .map(
        (name) =>
          `the ranking ${ranking.name} counts ${name} events; there are none.${advice(name)}`,
      ),
  )
  return [...silent, ...ranked]
}

/** Why no user counts, for a sentence that ends with it. */
export function whyNoUsers(data: TrainingData, params: UniversalParams): string {
  const [primary] = params.indicators
  if ((data.pairs[0]?.length ?? 0) > 0) {
    return `no user has ${params.minEventsPerUser} of them (minEventsPerUser)`
  }
  const others = params.indicators.slice(1).filter((_, i) => (data.pairs[i + 1]?.length ?? 0) > 0)
  const known = [...others.map(({ name }) => name), ...data.otherNames]
  if (known.length === 0) return 'it has none that users did to items'
  const near = nearestName(primary.name, known)
  return near === null ? `it has ${known.join(', ')}` : `did you mean ${near}`
}
