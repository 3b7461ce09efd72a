// Reading the dead-letter log: the newest letters, one letter, and how many there are by reason. The log is read forward,
// a slice between two turns of the event loop, so that requests are answered meanwhile however many letters there are. A
// letter that was written again, by a sink that took over, is passed over.
import type { LogReader } from '#ports/log'
import {
  type DeadLetter,
  decodeDeadLetterEntry,
  isResentMark,
  type ResentMark,
} from '#schemas/dead-letter'
import { createLetterRepeats } from './letter-repeats.ts'

const SLICE_BYTES = 256 * 1024

/** A letter with its place in the dead-letter log. */
export interface FoundLetter {
  readonly at: number
  readonly letter: DeadLetter
  /** The newest mark of its being sent again. */
  readonly resent: ResentMark | null
}

/** Letters of one reason, and how many of them were sent again. */
export interface LetterCount {
  readonly letters: number
  readonly resent: number
}

export type LetterCounts = ReadonlyMap<string, LetterCount>

/** Entries of the log from an offset on, each with its offset; bytes that are none of ours are passed over. */
async function* entries(
  log: LogReader,
  from: number,
): AsyncGenerator<readonly [at: number, entry: DeadLetter | ResentMark]> {
  let next = Math.max(from, await log.start(0))
  while (next < (await log.end(0))) {
    const batch = await log.read(0, next, SLICE_BYTES)
    for (const { offset, value } of batch.records) {
      const entry = decodeDeadLetterEntry(value)
      if (entry !== null) yield [offset, entry]
    }
    next = batch.next
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** The newest letters, newest first; of one reason, or of all (null). Holds `limit` letters in memory. */
export async function newestLetters(
  log: LogReader,
  limit: number,
  reason: string | null,
): Promise<readonly FoundLetter[]> {
  const kept = new Map<number, FoundLetter>()
  const repeats = createLetterRepeats()
  for await (const [at, entry] of entries(log, 0)) {
    if (isResentMark(entry)) {
      const found = kept.get(entry.letter)
      if (found !== undefined) kept.set(entry.letter, { ...found, resent: entry })
    } else if (!repeats.has(entry) && (reason === null || entry.reason === reason)) {
      repeats.note(entry)
      kept.set(at, { at, letter: entry, resent: null })
      if (kept.size > limit) kept.delete(kept.keys().next().value as number)
    }
  }
  return [...kept.values()].reverse()
}

/** The letter at this offset; null when none stands there. */
export async function letterAt(log: LogReader, at: number): Promise<FoundLetter | null> {
  let letter: DeadLetter | null = null
  let resent: ResentMark | null = null
  for await (const [offset, entry] of entries(log, at)) {
    if (isResentMark(entry)) {
      if (entry.letter === at) resent = entry
    } else if (offset === at) letter = entry
    if (letter === null) return null
  }
  return letter === null ? null : { at, letter, resent }
}

export interface LetterTally {
  /** Letters that were ever refused, by reason. Reads only what is new since it was last asked. */
  counts(): Promise<LetterCounts>
}

export function createLetterTally(log: LogReader): LetterTally {
  const counted = new Map<string, LetterCount>()
  const repeats = createLetterRepeats()
  let next = 0
  let turn: Promise<unknown> = Promise.resolve()
  const count = async (): Promise<LetterCounts> => {
    const end = await log.end(0)
    if (end > next) {
      for await (const [at, entry] of entries(log, next)) {
        const { letters, resent } = counted.get(entry.reason) ?? { letters: 0, resent: 0 }
        if (isResentMark(entry)) {
          counted.set(entry.reason, { letters, resent: resent + (entry.again ? 0 : 1) })
        } else if (!repeats.has(entry)) {
          repeats.note(entry)
          counted.set(entry.reason, { letters: letters + 1, resent })
        }
        next = at + 1
      }
      next = Math.max(next, end)
    }
    return new Map(counted)
  }
  return {
    // One at a time, so that nothing is counted twice; a failed reading is the caller's alone.
    counts: () => {
      const mine = turn.then(count)
      turn = mine.catch(() => undefined)
      return mine
    },
  }
}
