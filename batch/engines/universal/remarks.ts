// What a training says of events that are not there: names that nobody sends are names misspelt as often as not.
import type { UniversalParams } from '#schemas/engines/universal'
import { nearestName } from '#schemas/nearest-name'
import type { TrainingData } from './training-data.ts'

/** Indicators without events, but the primary one, without which there is no training. */
export function remarksOn(data: TrainingData, params: UniversalParams): readonly string[] {
  return params.indicators.slice(1).flatMap(({ name }, i) => {
    if ((data.pairs[i + 1]?.length ?? 0) > 0) return []
    const near = nearestName(name, [...data.otherNames])
    const advice = near === null ? '' : ` Did you mean ${near}?`
    return [`the indicator ${name} has no events of users on items.${advice}`]
  })
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
