// Pieces of SQL as Spark reads it.

/** A text as a literal. */
export const text = (value: string): string =>
  `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

/** A number as a double; its decimals say all of its bits. */
export const double = (value: number): string => `${value}d`

/** True when a column is one of these texts. */
export const isOneOf = (column: string, values: readonly string[]): string =>
  values.length === 0 ? 'false' : `${column} in (${values.map(text).join(', ')})`

/** Sorts ids as JavaScript does, by UTF-16 unit: Spark's own order is that of UTF-8, which differs above U+FFFF. */
export const idOrder = (column: string): string => `encode(${column}, 'UTF-16BE')`

/** x ln x, with 0 for 0. */
export const xLogX = (x: string): string => `if(${x} > 0d, ${x} * ln(${x}), 0d)`

/** FNV-1a of the UTF-8 bytes of a text: `fnv1a32` of `schemas/hashes.ts` as a bigint. Costs a step a byte: for few rows. */
export function fnv1a32(value: string): string {
  // Latin-1 makes a character of each byte.
  const bytes = `filter(split(decode(encode(${value}, 'UTF-8'), 'ISO-8859-1'), ''), c -> c <> '')`
  const step = '(h, c) -> ((h ^ cast(ascii(c) as bigint)) * 16777619L) & 4294967295L'
  return `aggregate(${bytes}, 2166136261L, ${step})`
}

const hex8 = (value: string): string => `lpad(lower(hex(${value})), 8, '0')`

/** `entityHash` of `schemas/hashes.ts`. */
export function entityHash(type: string, id: string): string {
  const high = fnv1a32(`concat(${type}, chr(0), ${id})`)
  return `concat(${hex8(high)}, ${hex8(fnv1a32(`concat(${id}, chr(1), ${type}, chr(1), ${high})`))})`
}

/** `appendName` of `schemas/identity-hash.ts`. */
export function appendName(append: string): string {
  const high = fnv1a32(append)
  return `concat(${hex8(high)}, ${hex8(fnv1a32(`concat(${high}, chr(1), ${append})`))})`
}

/** `identityHash` of `schemas/identity-hash.ts`, in hex digits. */
export function identityHash(type: string, id: string, eventId: string): string {
  const units = (value: string): string => `(length(encode(${value}, 'UTF-16BE')) div 2)`
  return `md5(concat(${units(type)}, ':', ${type}, ${units(id)}, ':', ${id}, ${eventId}))`
}
