// The faults of a run: how often each happens, and none of them once everything is to come to rest.
import type { Random } from '../support/random.ts'

export interface FaultRates {
  readonly refusedAppend: number
  readonly lostAcknowledgement: number
  readonly repeatedAppend: number
  readonly failedRead: number
  readonly failedStore: number
  readonly failedIndex: number
  readonly failedFile: number
  readonly failedControl: number
}

export interface Faults {
  /** True while the world is out of joint. */
  active: boolean
  /** While true, the item index refuses whatever it is told. */
  indexAway: boolean
  happens(fault: keyof FaultRates): boolean
}

/** Nothing fails by itself. */
export function createCalm(): Faults {
  return { active: true, indexAway: false, happens: () => false }
}

/** Each seed is another climate: most have some kinds of faults only, so that the others' consequences show. */
export function createFaults(random: Random): Faults {
  const rate = (most: number): number => (random.chance(0.5) ? 0 : random.next() * most)
  const rates: FaultRates = {
    refusedAppend: rate(0.2),
    lostAcknowledgement: rate(0.2),
    repeatedAppend: rate(0.1),
    failedRead: rate(0.1),
    failedStore: rate(0.2),
    failedIndex: rate(0.3),
    failedFile: rate(0.05),
    failedControl: rate(0.2),
  }
  return {
    active: true,
    indexAway: false,
    happens(fault) {
      return this.active && random.chance(rates[fault])
    },
  }
}
