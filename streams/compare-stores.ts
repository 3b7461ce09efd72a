// Compares two versions of the event store that have applied the same records: the live one, and one rebuilt from the
// archive and the log. Both tell each table in the same order, so one walk over both finds every difference, whatever the
// size, with a batch of each in memory.
import {
  STORE_TABLES,
  type StoreRow,
  type StoreSnapshot,
  type StoreTable,
} from '#ports/store-snapshot'
import type { DifferenceCollector, DifferenceKind } from './differences.ts'

/** Characters of a content that an example shows. */
const SHOWN_MAX = 500

export interface CompareOptions {
  readonly live: StoreSnapshot
  readonly rebuilt: StoreSnapshot
  readonly differences: DifferenceCollector
  /** Told the number of events compared so far, now and then. */
  readonly onProgress: (events: number) => void
  readonly signal: AbortSignal
}

const NAMES: Readonly<Record<StoreTable, 'event' | 'state' | 'history' | 'target'>> = {
  events: 'event',
  states: 'state',
  histories: 'history',
  targets: 'target',
}

/** @throws what the signal aborts with */
export async function compareStores(options: CompareOptions): Promise<void> {
  const { live, rebuilt, differences } = options
  let events = 0
  for (const { app, channel, counts } of tenantsOf(live, rebuilt)) {
    if (counts.live !== counts.rebuilt) {
      differences.add('event-count', app, () => ({ channel, ...counts }))
    }
    for (const table of STORE_TABLES) {
      const onBatch = (rows: number): void => {
        options.signal.throwIfAborted()
        if (table !== 'events') return
        events += rows
        options.onProgress(events)
      }
      await compareTable(options, { table, app, channel }, onBatch)
    }
  }
}

interface Counts {
  readonly live: number
  readonly rebuilt: number
}

/** Every app and channel that either has. */
function tenantsOf(live: StoreSnapshot, rebuilt: StoreSnapshot) {
  const tenants = new Map<string, { app: number; channel: number; counts: Counts }>()
  for (const [side, snapshot] of [['live', live] as const, ['rebuilt', rebuilt] as const]) {
    for (const { app, channel, count } of snapshot.tenants()) {
      const key = `${app}/${channel}`
      const before = tenants.get(key)?.counts ?? { live: 0, rebuilt: 0 }
      tenants.set(key, { app, channel, counts: { ...before, [side]: count } })
    }
  }
  return [...tenants.values()].sort((a, b) => a.app - b.app || a.channel - b.channel)
}

interface Part {
  readonly table: StoreTable
  readonly app: number
  readonly channel: number
}

async function compareTable(
  { live, rebuilt, differences }: CompareOptions,
  { table, app, channel }: Part,
  onBatch: (rows: number) => void,
): Promise<void> {
  const found = (how: 'missing' | 'extra' | 'other' | 'id', describe: () => object): void => {
    const kind = `${NAMES[table]}-${how}` as DifferenceKind
    differences.add(kind, app, () => ({ channel, ...describe() }))
  }
  const mine = createWalk(live.rows(table, app, channel))
  const theirs = createWalk(rebuilt.rows(table, app, channel), onBatch)
  let a = await mine.next()
  let b = await theirs.next()
  while (a !== null || b !== null) {
    const [row, other] = [a, b]
    if (other === null || (row !== null && row.key < other.key)) {
      const extra = row as StoreRow
      found('extra', () => extra.describe())
      a = mine.ready() ?? (await mine.next())
    } else if (row === null || row.key > other.key) {
      found('missing', () => other.describe())
      b = theirs.ready() ?? (await theirs.next())
    } else {
      if (row.content !== other.content) {
        found('other', () => ({
          ...other.describe(),
          live: row.content.slice(0, SHOWN_MAX),
          rebuilt: other.content.slice(0, SHOWN_MAX),
        }))
      }
      if (table === 'events' && !live.isUnderItsId(app, channel, row)) {
        found('id', () => row.describe())
      }
      a = mine.ready() ?? (await mine.next())
      b = theirs.ready() ?? (await theirs.next())
    }
  }
}

interface Walk {
  /** The next row if it is in memory: most are, and a promise a row would cost more than comparing it. */
  ready(): StoreRow | null
  next(): Promise<StoreRow | null>
}

function createWalk(
  batches: AsyncIterable<readonly StoreRow[]>,
  onBatch: (rows: number) => void = () => {},
): Walk {
  const iterator = batches[Symbol.asyncIterator]()
  let batch: readonly StoreRow[] = []
  let at = 0
  const ready = (): StoreRow | null => batch[at++] ?? null
  return {
    ready,
    next: async () => {
      for (;;) {
        const row = ready()
        if (row !== null) return row
        const { value, done } = await iterator.next()
        if (done) return null
        batch = value
        at = 0
        onBatch(batch.length)
        // A turn of the loop, in which it can be aborted.
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
}
