// The breaker of a sink: a few bad records go to dead letters, but when more than 20 of 1,000 are refused something else is
// wrong (a new schema, a damaged disk) and the sink stops, so that nothing good is thrown away with them.

export const REFUSALS_MAX = 20
export const REFUSAL_WINDOW = 1000

export interface BreakerState {
  /** Records seen so far. */
  readonly seen: number
  /** Running numbers of the newest refusals, oldest first; at most REFUSALS_MAX + 1. */
  readonly refusals: readonly number[]
}

export const CLOSED_BREAKER: BreakerState = { seen: 0, refusals: [] }

/** The state after one more record. */
export function countRecord(state: BreakerState, refused: boolean): BreakerState {
  const seen = state.seen + 1
  if (!refused) return { seen, refusals: state.refusals }
  return { seen, refusals: [...state.refusals, seen].slice(-(REFUSALS_MAX + 1)) }
}

/** The state after many good records. */
export function countGood(state: BreakerState, records: number): BreakerState {
  return { seen: state.seen + records, refusals: state.refusals }
}

/** True when more than REFUSALS_MAX of the last REFUSAL_WINDOW records were refused. */
export function isBroken(state: BreakerState): boolean {
  const oldest = state.refusals[state.refusals.length - 1 - REFUSALS_MAX]
  return oldest !== undefined && oldest > state.seen - REFUSAL_WINDOW
}
