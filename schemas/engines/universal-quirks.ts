// Faults of the Universal Recommender that an engine keeps so that its answers stay as they were. Those of a query are in
// the planner's table; here are the ones of trainings and of engine.json.
import type { UniversalParams } from './universal.ts'

type Kind = Pick<UniversalParams, 'scoring' | 'compatibility'>

/** A user with more ids than `maxItemsPerUser` is lost whole, and crowded ids are sampled. */
export function samplesAsOfOld({ scoring, compatibility }: Kind): boolean {
  return scoring !== 'weighted' && compatibility !== 'none'
}

/** Targets of any type are ranked, and recommended for it. */
export function ranksForeignTargets({ scoring, compatibility }: Kind): boolean {
  return scoring !== 'weighted' && compatibility === 'ur-0.7'
}

/** `fields` of engine.json with a bias above 0 are filters. */
export function invertsFields({ scoring, compatibility }: Kind): boolean {
  return scoring !== 'weighted' && compatibility === 'ur-0.7'
}
