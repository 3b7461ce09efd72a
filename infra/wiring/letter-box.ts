// Where the sinks of a process put their dead letters. One at a time, so that what two sinks refuse is written once.
import type { Log } from '#ports/log'
import type { Telemetry } from '#ports/telemetry'
import { type DeadLetter, encodeDeadLetter } from '#schemas/dead-letter'
import { createLetterRepeats } from './letter-repeats.ts'

export interface LetterBox {
  /** Resolves when the letter is durable. @throws MillraceError LOG_FULL, LOG_UNAVAILABLE */
  put(letter: DeadLetter): Promise<void>
}

export function createLetterBox(deadLetters: Log, telemetry: Telemetry): LetterBox {
  const repeats = createLetterRepeats()
  let turn: Promise<unknown> = Promise.resolve()
  const write = async (letter: DeadLetter): Promise<void> => {
    if (repeats.has(letter)) return
    await deadLetters.append(0, [encodeDeadLetter(letter)])
    repeats.note(letter)
    telemetry.emit('millrace_dead_letters_total', 1, { reason: letter.reason })
  }
  return {
    put: (letter) => {
      const mine = turn.then(() => write(letter))
      turn = mine.catch(() => undefined)
      return mine
    },
  }
}
