// From an event's id to its rows. Ids made by Millrace ascend, so they are packed in pages, each begun by its first id:
// one write for many events, and an id behind the last one is known to be new without a look. All other ids have a row
// each with the rows of the events (of different entities) that carry them.
//
//   idPages   tenant · first id  →  (id (16) · row (15)) …   ascending
//   ids       tenant · id        →  row …
//
// Ended events stay in the pages: their row is gone, and that tells.
import type { Tables } from './environment.ts'
import { keyOf, ROW_BYTES, textKey, writeHexId } from './keys.ts'
import type { Tenant } from './tenants.ts'

const ID_BYTES = 16
const ENTRY_BYTES = ID_BYTES + ROW_BYTES
/** As many as fit a page of LMDB twice. */
const ENTRIES_MAX = 62
const VERSION_AT = 12
/** Digits of an ascending id that are its time. */
const TIME_DIGITS = 12
/** An id that claims a later time than the event was received at would keep all others out of the pages. */
const AHEAD_MS_MAX = 60_000

interface Tail {
  readonly bytes: Buffer
  length: number
  changed: boolean
}

export interface IdIndex {
  /** True when the id goes into the pages and was never seen before. */
  isNew(tenant: Tenant, id: string, receivedAt: number): boolean
  /** Adds an id that `isNew`. */
  append(tenant: Tenant, id: string, row: Buffer): void
  /** From now on no id made up to this time (milliseconds) passes as new. */
  skipTo(tenant: Tenant, receivedAt: number): void
  /** Adds any other id; `isAlone` when no event has it. */
  add(tenant: Tenant, id: string, row: Buffer, isAlone: boolean): void
  remove(tenant: Tenant, id: string, row: Buffer): void
  /** Writes the open pages. */
  flush(): void
  forget(tenant: Tenant): void
}

export function createIdIndex({ ids, idPages }: Pick<Tables, 'ids' | 'idPages'>): IdIndex {
  const tails = new Map<number, Tail>()
  const write = (number: number, tail: Tail): void => {
    tail.changed = false
    idPages.putSync(
      keyOf(number, tail.bytes.subarray(0, ID_BYTES)),
      tail.bytes.subarray(0, tail.length),
    )
  }
  return {
    isNew: (tenant, id, receivedAt) =>
      id > tenant.lastId && isAscending(id) && scratchTime() <= receivedAt + AHEAD_MS_MAX,
    append: (tenant, id, row) => {
      let tail = tails.get(tenant.number)
      if (tail === undefined) {
        tail = { bytes: Buffer.alloc(ENTRY_BYTES * ENTRIES_MAX), length: 0, changed: false }
        tails.set(tenant.number, tail)
      }
      if (tail.length === ENTRY_BYTES * ENTRIES_MAX) {
        write(tenant.number, tail)
        tail.length = 0
      }
      writeHexId(tail.bytes, tail.length, id)
      tail.bytes.set(row, tail.length + ID_BYTES)
      tail.length += ENTRY_BYTES
      tail.changed = true
      tenant.lastId = id
    },
    skipTo: (tenant, receivedAt) => {
      const time = Math.max(0, receivedAt + AHEAD_MS_MAX)
      const last = time
        .toString(16)
        .padStart(TIME_DIGITS, '0')
        .padEnd(2 * ID_BYTES, 'f')
      if (last <= tenant.lastId) return
      tenant.lastId = last
      tenant.changed = true
    },
    add: (tenant, id, row, isAlone) => {
      const key = keyOf(tenant.number, idKey(id))
      const others = isAlone ? undefined : ids.get(key)
      ids.putSync(key, others === undefined ? row : Buffer.concat([others, row]))
    },
    remove: (tenant, id, row) => {
      const key = keyOf(tenant.number, idKey(id))
      const rest = rowsIn(ids.get(key)).filter((other) => !other.equals(row))
      if (rest.length > 0) ids.putSync(key, Buffer.concat(rest))
      else ids.removeSync(key)
    },
    flush: () => {
      for (const [number, tail] of tails) if (tail.changed) write(number, tail)
    },
    forget: (tenant) => {
      tails.delete(tenant.number)
    },
  }
}

/** Rows an id may have, in order of position; the events of some may have ended. */
export function rowsOf(
  { ids, idPages }: Pick<Tables, 'ids' | 'idPages'>,
  tenant: number,
  id: string,
): Buffer[] {
  const rows = rowsIn(ids.get(keyOf(tenant, idKey(id))))
  if (!isAscending(id)) return rows
  const wanted = Buffer.alloc(ID_BYTES)
  writeHexId(wanted, 0, id)
  const pages = idPages.getRange({
    start: keyOf(tenant, wanted),
    end: keyOf(tenant),
    reverse: true,
    limit: 1,
  })
  for (const { value } of pages) {
    for (let at = 0; at < value.length; at += ENTRY_BYTES) {
      if (value.compare(wanted, 0, ID_BYTES, at, at + ID_BYTES) !== 0) continue
      rows.push(value.subarray(at + ID_BYTES, at + ENTRY_BYTES))
    }
  }
  return rows
}

function rowsIn(value: Buffer | undefined): Buffer[] {
  const rows: Buffer[] = []
  for (let at = 0; value !== undefined && at < value.length; at += ROW_BYTES) {
    rows.push(value.subarray(at, at + ROW_BYTES))
  }
  return rows
}

const scratch = Buffer.alloc(ID_BYTES)

/** UUIDv7 as 32 hex digits, as Millrace makes them; its bytes are in `scratch` then. */
function isAscending(id: string): boolean {
  return id[VERSION_AT] === '7' && writeHexId(scratch, 0, id)
}

/** Milliseconds in the UUIDv7 in `scratch`. */
function scratchTime(): number {
  return scratch.readUIntBE(0, 6)
}

const IS_TEXT = Buffer.of(0)
const IS_HEX = Buffer.of(1)

function idKey(id: string): Buffer {
  const hex = Buffer.alloc(ID_BYTES)
  if (writeHexId(hex, 0, id)) return Buffer.concat([IS_HEX, hex])
  return Buffer.concat([IS_TEXT, textKey(id)])
}
