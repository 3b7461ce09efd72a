// How long to wait before a failed batch is tried again: doubling from 50 ms to 10 s.
const FIRST_MS = 50
const LONGEST_MS = 10_000

/** Milliseconds before attempt `attempt` + 1, for attempt 1, 2, … */
export function retryDelay(attempt: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 20))
}
