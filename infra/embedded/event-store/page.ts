// A page of a list: entries of one entity and event name, newest first.
//
//   byte 0    1 when older pages follow
//   entry     row (15) · length (1) · target id        length 0: no target; 255: too long, read the event; else length + 1
import type { Placed } from '#schemas/record'
import type { ByteWriter } from './bytes.ts'
import { compareRows, ROW_BYTES, writeRow } from './keys.ts'

/** Largest value LMDB keeps inside of a page of its own, less the longest key. */
export const PAGE_BYTES_MAX = 1900
/** Bytes that move into an older page at a time; the newest page then still holds as many. */
const OLDER_BYTES = PAGE_BYTES_MAX / 2
const TARGET_BYTES_MAX = 253
const NO_TARGET = 0
const LONG_TARGET = 255

/** An entry that is not yet in a page. */
export interface Entry {
  readonly eventTime: number
  readonly place: Pick<Placed, 'generation' | 'partition' | 'offset'>
  readonly target: string | null
}

/** As `compareRows` does. */
export function compareEntries(a: Entry, b: Entry): number {
  return (
    a.eventTime - b.eventTime ||
    a.place.generation - b.place.generation ||
    a.place.offset - b.place.offset ||
    a.place.partition - b.place.partition
  )
}

/** Writes the entry behind what the writer holds. */
export function writeEntry(writer: ByteWriter, { eventTime, place, target }: Entry): void {
  writeRow(writer.room(ROW_BYTES), writer.length, eventTime, place)
  writer.advance(ROW_BYTES)
  if (target === null) writer.byte(NO_TARGET)
  else if (target.length > TARGET_BYTES_MAX) writer.byte(LONG_TARGET)
  else {
    writer.byte(target.length + 1)
    if (writer.ascii(target)) return
    writer.advance(-1)
    writeUnicode(writer, Buffer.from(target))
  }
}

function writeUnicode(writer: ByteWriter, target: Buffer): void {
  if (target.length > TARGET_BYTES_MAX) {
    writer.byte(LONG_TARGET)
    return
  }
  writer.byte(target.length + 1)
  writer.block(target, 0, target.length)
}

/** End of the entry that begins at `at`. */
function entryEnd(page: Buffer, at: number): number {
  const length = page[at + ROW_BYTES] as number
  const bytes = length === NO_TARGET || length === LONG_TARGET ? 0 : length - 1
  return at + ROW_BYTES + 1 + bytes
}

/** A page's target at `at`: its id, null when there is none, undefined when the event has to be read. */
export function entryTarget(page: Buffer, at: number): string | null | undefined {
  const length = page[at + ROW_BYTES] as number
  if (length === NO_TARGET) return null
  if (length === LONG_TARGET) return undefined
  const start = at + ROW_BYTES + 1
  return page.toString('utf8', start, start + length - 1)
}

/** Where the entries of a page begin. */
export function* entryStarts(page: Buffer, length: number): Generator<number> {
  for (let at = 1; at < length; at = entryEnd(page, at)) yield at
}

export const nextEntry = entryEnd

export function entriesOf(page: Buffer): Buffer[] {
  const entries: Buffer[] = []
  for (const at of entryStarts(page, page.length)) {
    entries.push(page.subarray(at, entryEnd(page, at)))
  }
  return entries
}

export const hasOlder = (page: Buffer): boolean => page[0] === 1

/** Both lists are newest first; so is the result. */
export function mergeEntries(a: readonly Buffer[], b: readonly Buffer[]): Buffer[] {
  const merged: Buffer[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    const x = a[i]
    const y = b[j]
    if (y === undefined || (x !== undefined && compareRows(x, 0, y, 0) >= 0)) {
      merged.push(x as Buffer)
      i++
    } else {
      merged.push(y)
      j++
    }
  }
  return merged
}

const OLDER_FOLLOW = Buffer.of(1)
const NONE_FOLLOW = Buffer.of(0)

export function pageOf(entries: readonly Buffer[], older: boolean): Buffer {
  return Buffer.concat([older ? OLDER_FOLLOW : NONE_FOLLOW, ...entries])
}

/** Entries cut into pages: the first as large as may be, the others half as large, so that they can take late ones. */
export function cutEntries(entries: readonly Buffer[]): Buffer[][] {
  const pages: Buffer[][] = []
  let end = entries.length
  let bytes = 1 + entries.reduce((sum, entry) => sum + entry.length, 0)
  while (bytes > PAGE_BYTES_MAX) {
    let start = end
    let size = 0
    while (start > 1 && size < OLDER_BYTES) {
      start--
      size += (entries[start] as Buffer).length
    }
    pages.unshift(entries.slice(start, end))
    end = start
    bytes -= size
  }
  pages.unshift(entries.slice(0, end))
  return pages
}
