// Comparing two versions of the store, over rows told by hand: what is found, how it is named, and that one walk is enough.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StoreRow, StoreSnapshot, StoreTable } from '#ports/store-snapshot'
import { compareStores } from '../../streams/compare-stores.ts'
import { createDifferences, type Differences } from '../../streams/differences.ts'

type Rows = Partial<Record<StoreTable, readonly (readonly [key: string, content: string])[]>>

interface Fake {
  readonly rows?: Rows
  readonly count?: number
  /** Keys that are not found under their id. */
  readonly lost?: readonly string[]
}

function snapshot({ rows = {}, count = 0, lost = [] }: Fake, batch = 2): StoreSnapshot {
  return {
    watermark: { generation: 0, offsets: [9] },
    tenants: () => [{ app: 1, channel: 0, count }],
    rows: async function* told(table) {
      const all = (rows[table] ?? []).map(
        ([key, content]): StoreRow => ({ key, content, describe: () => ({ name: key }) }),
      )
      for (let at = 0; at < all.length; at += batch) yield all.slice(at, at + batch)
    },
    isUnderItsId: (_app, _channel, row) => !lost.includes(row.key),
    close: async () => {},
  }
}

async function compare(live: Fake, rebuilt: Fake, examples = 5): Promise<Differences> {
  const differences = createDifferences(examples)
  await compareStores({
    live: snapshot(live, 3),
    rebuilt: snapshot(rebuilt, 2),
    differences,
    onProgress: () => {},
    signal: new AbortController().signal,
  })
  return differences.result()
}

const kindsOf = ({ kinds }: Differences) => kinds.map(({ kind, count }) => `${kind} ${count}`)
const numbered = (keys: string) => [...keys].map((key) => [key, `content of ${key}`] as const)

describe('comparing two versions of the store', () => {
  it('finds nothing where both say the same, whatever their batches', async () => {
    const rows = { events: numbered('abcdefg'), states: numbered('xyz') }
    const { total, kinds, apps } = await compare({ rows, count: 7 }, { rows, count: 7 })
    assert.deepEqual({ total, kinds, apps }, { total: 0, kinds: [], apps: [] })
  })

  it('names what is missing, extra and other, by table', async () => {
    const found = await compare(
      { rows: { events: numbered('acdg'), histories: [['u', '2 events']] }, count: 4 },
      { rows: { events: numbered('abdeg'), histories: [['u', '3 events']] }, count: 5 },
    )
    assert.deepEqual(kindsOf(found), [
      'event-missing 2',
      'event-extra 1',
      'event-count 1',
      'history-other 1',
    ])
    assert.deepEqual(found.apps, [1])
    const of = (kind: string) => found.kinds.find((its) => its.kind === kind)?.examples
    assert.deepEqual(of('event-missing'), [
      { app: 1, channel: 0, name: 'b' },
      { app: 1, channel: 0, name: 'e' },
    ])
    assert.deepEqual(of('event-count'), [{ app: 1, channel: 0, live: 4, rebuilt: 5 }])
    assert.deepEqual(of('history-other'), [
      { app: 1, channel: 0, name: 'u', live: '2 events', rebuilt: '3 events' },
    ])
  })

  it('finds what is behind the end of the other, and a whole table that is not there', async () => {
    const found = await compare(
      { rows: { events: numbered('ab') } },
      { rows: { events: numbered('abcd'), targets: numbered('t') } },
    )
    assert.deepEqual(kindsOf(found), ['event-missing 2', 'target-missing 1'])
  })

  it('finds an event that its id does not lead to', async () => {
    const rows = { events: numbered('abc') }
    const found = await compare({ rows, lost: ['b'] }, { rows })
    assert.deepEqual(kindsOf(found), ['event-id 1'])
  })

  it('counts all and shows a few', async () => {
    const found = await compare({ rows: {} }, { rows: { states: numbered('abcdefg') } }, 3)
    assert.equal(found.total, 7)
    assert.equal(found.kinds[0]?.examples.length, 3)
  })
})
