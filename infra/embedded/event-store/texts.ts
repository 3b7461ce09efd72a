// A dictionary of the words that repeat in every row: event names and entity types. Numbers begin at 1.
import type { Tables } from './environment.ts'
import { tenantKey, textKey } from './keys.ts'

/** Words kept in memory; beyond that the cache starts anew. */
const CACHED_MAX = 50_000
const BY_TEXT = Buffer.of(1)
const BY_NUMBER = Buffer.of(2)

export interface Texts {
  /** The word's number, or 0 when it has none. */
  find(text: string): number
  text(number: number): string
}

export interface WritableTexts extends Texts {
  /** The word's number, given now if it has none yet. Inside a transaction. */
  number(text: string): number
}

export function createTexts({ texts }: Pick<Tables, 'texts'>): WritableTexts {
  let numbers = new Map<string, number>()
  let words = new Map<number, string>()
  const remember = (text: string, number: number): number => {
    if (numbers.size >= CACHED_MAX) {
      numbers = new Map()
      words = new Map()
    }
    numbers.set(text, number)
    words.set(number, text)
    return number
  }
  const find = (text: string): number => {
    const known = numbers.get(text)
    if (known !== undefined) return known
    const row = texts.get(Buffer.concat([BY_TEXT, textKey(text)]))
    return row === undefined ? 0 : remember(text, row.readUInt32BE())
  }
  return {
    find,
    text: (number) => {
      const known = words.get(number)
      if (known !== undefined) return known
      const text = texts.get(Buffer.concat([BY_NUMBER, tenantKey(number)]))?.toString() ?? ''
      remember(text, number)
      return text
    },
    number: (text) => {
      const known = find(text)
      if (known !== 0) return known
      const [last] = texts.getKeys({ start: Buffer.of(3), end: BY_NUMBER, reverse: true, limit: 1 })
      const number = last === undefined ? 1 : last.readUInt32BE(1) + 1
      texts.putSync(Buffer.concat([BY_TEXT, textKey(text)]), tenantKey(number))
      texts.putSync(Buffer.concat([BY_NUMBER, tenantKey(number)]), Buffer.from(text))
      return remember(text, number)
    },
  }
}
