// One refused record, one letter. A sink that takes over after a crash refuses some records again, and a record that cannot
// be read is refused by each sink. Every sink refuses the records of a partition in order, so what stands at or below the
// highest place that was refused for the same reason was refused before. The index refuses states of items, not records, and
// in no order: its letters are never repeats.
import type { DeadLetter } from '#schemas/dead-letter'

type Place = Pick<DeadLetter, 'reason' | 'sink' | 'topic' | 'generation' | 'partition' | 'offset'>

export interface LetterRepeats {
  /** True when such a letter was noted before. */
  has(letter: Place): boolean
  note(letter: Place): void
}

export function createLetterRepeats(): LetterRepeats {
  /** Highest offset, by reason, topic or generation, and partition. */
  const highest = new Map<string, number>()
  const keyOf = ({ reason, topic, generation, partition }: Place): string =>
    `${reason} ${topic ?? generation}/${partition}`
  const has = (letter: Place): boolean =>
    letter.sink !== 'index' && letter.offset <= (highest.get(keyOf(letter)) ?? -1)
  return {
    has,
    note: (letter) => {
      if (!has(letter)) highest.set(keyOf(letter), letter.offset)
    },
  }
}
