// The LMDB environment of the event store and its tables. Writer and readers open it alike: inside one process they share
// the memory map.
//
// Commits are not flushed one by one (the log is the truth, see docs/adr/0002-store-durability.md): the kernel keeps what
// a killed process wrote, and `crash-mark.ts` tells when a machine stopped before a flush.
import { type Database, open, type RootDatabase } from 'lmdb'
import { MillraceError } from '#ports/errors'
import { emptyWatermark, type Watermark } from '#schemas/position'
import { isFull, messageOf } from '../errors.ts'

/** Address space, not memory or disk: the file grows as it is written. */
export const MAP_BYTES = 2 ** 38

export interface StoreOptions {
  readonly path: string
  readonly mapSize?: number
}

export type Table = Database<Buffer, Buffer>

export interface Tables {
  readonly root: RootDatabase<Buffer, Buffer>
  readonly meta: Table
  readonly texts: Table
  readonly tenants: Table
  readonly events: Table
  readonly pages: Table
  readonly idPages: Table
  readonly ids: Table
  readonly ended: Table
  readonly states: Table
  readonly targets: Table
}

export function openTables({ path, mapSize = MAP_BYTES }: StoreOptions): Tables {
  const root = open<Buffer, Buffer>({
    path,
    mapSize,
    noSync: true,
    overlappingSync: false,
    maxDbs: 16,
    noMemInit: true,
    encoding: 'binary',
    keyEncoding: 'binary',
  })
  const table = (name: string): Table =>
    root.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' })
  return {
    root,
    meta: table('meta'),
    texts: table('texts'),
    tenants: table('tenants'),
    events: table('events'),
    pages: table('pages'),
    idPages: table('idPages'),
    ids: table('ids'),
    ended: table('ended'),
    states: table('states'),
    targets: table('targets'),
  }
}

/** Forces all commits so far to disk, on a thread of the runtime. */
export function flush({ root }: Tables): Promise<void> {
  const { sync } = root as unknown as { sync(done: (error?: Error) => void): void }
  return new Promise((resolve, reject) => {
    sync((error) => (error ? reject(error) : resolve()))
  })
}

const WATERMARK = Buffer.from('watermark')

export function readWatermark({ meta }: Tables): Watermark {
  const bytes = meta.get(WATERMARK)
  return bytes === undefined ? emptyWatermark(1) : (JSON.parse(bytes.toString()) as Watermark)
}

export function writeWatermark({ meta }: Tables, watermark: Watermark): void {
  meta.putSync(WATERMARK, Buffer.from(JSON.stringify(watermark)))
}

/** An error of LMDB or the file system as one of the catalogue. */
export function storeError(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error
  if (isFull(error)) {
    return new MillraceError('DISK_FULL', { what: 'the event store' }, { cause: error })
  }
  return new MillraceError('STORE_FAILED', { reason: messageOf(error) }, { cause: error })
}

/** Removes all rows of a table whose keys are in [from, to). */
export function clearRange(table: Table, from: Buffer, to: Buffer): void {
  for (;;) {
    const keys = [...table.getKeys({ start: from, end: to, limit: 1000 })]
    for (const key of keys) table.removeSync(key)
    if (keys.length < 1000) return
  }
}
