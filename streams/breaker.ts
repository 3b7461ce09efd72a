// The breaker of a sink: a few bad records go to dead letters, but when more than 20 of 1,000 are refused something else is
// wrong (a new schema, a damaged disk) and the sink stops, so that nothing good is thrown away with them. What the rules
// refuse is the sender's doing and does not count.

export const REFUSALS_MAX = 20
export const REFUSAL_WINDOW = 1000

interface CountedRefusal {
  /** Running number of the record. */
  readonly at: number
  /** App of the record; null when it cannot be known. */
  readonly app: number | null
}

export interface BreakerState {
  /** Records seen so far. */
  readonly seen: number
  /** The newest refusals, oldest first; at most REFUSALS_MAX + 1. */
  readonly refusals: readonly CountedRefusal[]
}

export const CLOSED_BREAKER: BreakerState = { seen: 0, refusals: [] }

/** The state after one more record that was refused. */
export function countRefused(state: BreakerState, app: number | null): BreakerState {
  const at = state.seen + 1
  return { seen: at, refusals: [...state.refusals, { at, app }].slice(-(REFUSALS_MAX + 1)) }
}

/** The state after good records. */
export function countGood(state: BreakerState, records: number): BreakerState {
  return { seen: state.seen + records, refusals: state.refusals }
}

/** True when more than REFUSALS_MAX of the last REFUSAL_WINDOW records were refused. */
export function isBroken(state: BreakerState): boolean {
  const oldest = state.refusals[state.refusals.length - 1 - REFUSALS_MAX]
  return oldest !== undefined && oldest.at > state.seen - REFUSAL_WINDOW
}

/** The app that all refusals of a broken state are of; null when there are several. */
export function guiltyApp({ refusals }: BreakerState): number | null {
  const app = refusals[0]?.app ?? null
  return refusals.every((refusal) => refusal.app === app) ? app : null
}

/** The state as if nothing of an app had been refused. */
export function forgive(state: BreakerState, app: number): BreakerState {
  return { seen: state.seen, refusals: state.refusals.filter((refusal) => refusal.app !== app) }
}
