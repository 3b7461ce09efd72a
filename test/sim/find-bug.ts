// Looks for a planted bug, seed by seed.
import { BUGS_OF_SINKS } from './bugs-of-sinks.ts'
import { BUGS_OF_VIEWS } from './bugs-of-views.ts'
import type { Bug } from './plants.ts'
import { simulate } from './simulate.ts'
import type { Finding } from './world.ts'

export const BUGS: readonly Bug[] = [...BUGS_OF_SINKS, ...BUGS_OF_VIEWS]

/** Seeds within which each planted bug has to be found. */
export const SEEDS_TO_FIND = 1000

export interface Found extends Finding {
  readonly bug: string
  readonly seed: number
}

/** The first seed that finds it, or null. */
export async function findBug({ name, plant }: Bug, seeds = SEEDS_TO_FIND): Promise<Found | null> {
  for (let seed = 1; seed <= seeds; seed++) {
    const [finding] = (await simulate(seed, { plants: plant() })).findings
    if (finding !== undefined) return { ...finding, bug: name, seed }
  }
  return null
}
