// The lists of what each entity did, one an event name, newest first: what a query's history is read from. The newest
// events are in one page under the list's key; older ones in pages behind it, each under the row of its newest entry.
// Pages do not overlap in time.
//
//   tenant · entity · name                      newest …            (0 … about 80 entries)
//   tenant · entity · name · inverted row       older than these …
//   tenant · entity · name · inverted row       still older …
import { ByteWriter } from './bytes.ts'
import type { Table } from './environment.ts'
import { behind, compareRows, LIST_BYTES, ROW_BYTES } from './keys.ts'
import {
  cutEntries,
  type Entry,
  entriesOf,
  hasOlder,
  mergeEntries,
  PAGE_BYTES_MAX,
  pageOf,
  writeEntry,
} from './page.ts'

const NO_ENTRIES: readonly Buffer[] = []
const writer = new ByteWriter()

/** Adds entries (newest first) to a list. Inside a transaction. */
export function addEntries(pages: Table, list: Buffer, entries: readonly Entry[]): void {
  const head = pages.getBinaryFast(list)
  writer.reset()
  writer.byte(head === undefined ? 0 : (head[0] as number))
  let oldestAt = 1
  for (const entry of entries) {
    oldestAt = writer.length
    writeEntry(writer, entry)
  }
  // The common case: all are newer than what is there, and one page holds everything.
  const isNewer =
    head === undefined || head.length === 1 || compareRows(writer.room(0), oldestAt, head, 1) > 0
  if (isNewer && writer.length + (head?.length ?? 1) - 1 <= PAGE_BYTES_MAX) {
    if (head !== undefined) writer.block(head, 1, head.length)
    pages.putSync(list, writer.take())
    return
  }
  mergeIn(pages, list, entriesOf(Buffer.from(writer.take())))
}

function mergeIn(pages: Table, list: Buffer, entries: readonly Buffer[]): void {
  const head = pages.get(list)
  const known = head === undefined ? NO_ENTRIES : entriesOf(head)
  if (head === undefined || !hasOlder(head)) {
    writeHead(pages, list, mergeEntries(entries, known), false)
    return
  }
  const oldest = known.at(-1)
  const isLate = (entry: Buffer): boolean =>
    oldest !== undefined && compareRows(entry, 0, oldest, 0) < 0
  const others = entries.filter((entry) => !(isLate(entry) && addLate(pages, list, entry)))
  if (others.length > 0) writeHead(pages, list, mergeEntries(others, known), true)
}

function writeHead(pages: Table, list: Buffer, entries: readonly Buffer[], older: boolean): void {
  const [newest = NO_ENTRIES, ...rest] = cutEntries(entries)
  pages.putSync(list, pageOf(newest, older || rest.length > 0))
  for (const page of rest) writeOlder(pages, list, page)
}

function writeOlder(pages: Table, list: Buffer, entries: readonly Buffer[]): void {
  const newest = entries[0]
  if (newest !== undefined) pages.putSync(olderKey(list, newest), pageOf(entries, false))
}

function olderKey(list: Buffer, row: Buffer): Buffer {
  const key = Buffer.alloc(LIST_BYTES + ROW_BYTES)
  list.copy(key)
  for (let i = 0; i < ROW_BYTES; i++) key[LIST_BYTES + i] = ~(row[i] as number)
  return key
}

/** The older page a row belongs to: the last one whose newest entry is not older than it. */
function olderPage(pages: Table, list: Buffer, row: Buffer): { key: Buffer; page: Buffer } | null {
  const [found] = pages.getRange({
    start: olderKey(list, row),
    end: list,
    reverse: true,
    limit: 1,
  })
  return found === undefined ? null : { key: found.key, page: found.value }
}

/** Adds an entry older than the newest page; false when no older page reaches up to it. */
function addLate(pages: Table, list: Buffer, entry: Buffer): boolean {
  const found = olderPage(pages, list, entry)
  if (found === null || found.key.length === LIST_BYTES) return false
  const [first = NO_ENTRIES, ...rest] = cutEntries(mergeEntries([entry], entriesOf(found.page)))
  pages.putSync(found.key, pageOf(first, false))
  for (const page of rest) writeOlder(pages, list, page)
  return true
}

/** Takes the entry of a row out of a list. Inside a transaction. */
export function removeEntry(pages: Table, list: Buffer, row: Buffer): void {
  const without = (page: Buffer): Buffer[] | null => {
    const entries = entriesOf(page)
    const rest = entries.filter((entry) => compareRows(entry, 0, row, 0) !== 0)
    return rest.length < entries.length ? rest : null
  }
  const head = pages.get(list)
  const left = head === undefined ? null : without(head)
  if (head !== undefined && left !== null) {
    if (left.length > 0 || hasOlder(head)) pages.putSync(list, pageOf(left, hasOlder(head)))
    else pages.removeSync(list)
    return
  }
  const found = olderPage(pages, list, row)
  const rest = found === null ? null : without(found.page)
  if (found === null || rest === null) return
  if (rest.length > 0) pages.putSync(found.key, pageOf(rest, false))
  else pages.removeSync(found.key)
}

/** Pages of a list, newest first or oldest first, each a copy; read a few at a time. */
export function* listPages(
  pages: Table,
  list: Buffer,
  reversed: boolean,
  options: { readonly transaction?: ReturnType<Table['useReadTransaction']> } = {},
): Generator<Buffer> {
  const [from, to] = reversed ? [behind(list), list] : [list, behind(list)]
  // Going back, the start is the key behind the list, which may be the next list's.
  const range = { ...options, reverse: reversed, exclusiveStart: reversed, inclusiveEnd: reversed }
  let start = from
  for (;;) {
    const found = [...pages.getRange({ ...range, start, end: to, limit: 8 })]
    for (const { value } of found) yield value
    const last = found.at(-1)
    if (found.length < 8 || last === undefined) return
    start = last.key
    range.exclusiveStart = true
  }
}
