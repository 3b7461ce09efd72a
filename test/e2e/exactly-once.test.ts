// Effect exactly once, as a table: events are sent again because replies were lost, because the process was killed, or
// because a 503 asked for it; for each way to name an event, what was sent, acknowledged and stored.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { MillraceError } from '#ports/errors'
import { eventUrls, send } from '../support/http-client.ts'
import { createIngestFixture, KEY_ALL } from '../support/ingest-fixture.ts'
import { millraceJson, startMillrace } from '../support/millrace-process.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const EVENTS = 40

interface Row {
  readonly way: string
  readonly events: number
  readonly sent: number
  readonly acknowledged: number
  readonly stored: number
}

interface Reply {
  readonly status: number
  readonly eventId: string | undefined
}

type Headers = Readonly<Record<string, string>>

/** Sends one event by some server. */
type Post = (event: object, headers: Headers) => Promise<Reply>

/** A way to name the `n`-th event of a user: members of its body, and headers. */
interface Way {
  readonly way: string
  readonly body: (n: number) => object
  readonly headers: (n: number) => Headers
}

const WAYS: readonly Way[] = [
  { way: 'client id', body: (n) => ({ eventId: `client-${n}` }), headers: () => ({}) },
  {
    way: 'Idempotency-Key',
    body: () => ({}),
    headers: (n) => ({ 'idempotency-key': `order-${n}` }),
  },
  { way: 'no id', body: () => ({}), headers: () => ({}) },
]

const eventOf = (way: string, n: number): object => ({
  event: 'buy',
  entityType: 'user',
  entityId: `${way} ${n % 7}`,
  targetEntityType: 'item',
  targetEntityId: `i${n}`,
})

function show(t: TestContext, rows: readonly Row[]): void {
  for (const { way, events, sent, acknowledged, stored } of rows) {
    t.diagnostic(
      `${way}: events ${events}, sent ${sent}, acknowledged ${acknowledged}, stored ${stored}`,
    )
  }
}

test('replies lost, and the process killed, on the real server', async (t) => {
  const data = join(await temporaryFolder(t), 'data')
  let server = await startMillrace(data, t)
  const { accessKey } = await millraceJson<{ accessKey: string }>([
    ...['app', 'new', 'shop', '--data', data],
  ])
  const tally = new Map<string, { sent: number; acknowledged: number }>()
  const count = (way: string, events: number, acknowledged: number): void => {
    const its = tally.get(way) ?? { sent: 0, acknowledged: 0 }
    tally.set(way, { sent: its.sent + events, acknowledged: its.acknowledged + acknowledged })
  }

  /** Everything once more, as a client does that has heard nothing. */
  async function sendAll(): Promise<void> {
    const shop = eventUrls(server.event, accessKey)
    for (const { way, body, headers } of WAYS) {
      for (let n = 0; n < EVENTS; n++) {
        const event = { ...eventOf(way, n), ...body(n) }
        const { status } = await send('POST', shop.events, event, headers(n))
        count(way, 1, status === 201 ? 1 : 0)
      }
    }
    const way = 'Idempotency-Key of a batch'
    const batch = Array.from({ length: EVENTS }, (_, n) => eventOf(way, n))
    const reply = await send('POST', shop.batch, batch, { 'idempotency-key': 'batch-1' })
    const items = reply.json as { status: number }[]
    count(way, EVENTS, items.filter(({ status }) => status === 201).length)
  }

  await sendAll()
  await sendAll()
  await server.kill()
  server = await startMillrace(data, t)
  await sendAll()

  const found = await send('GET', `${eventUrls(server.event, accessKey).events}&limit=-1`)
  const stored = found.json as { entityId: string }[]
  const rows = [...tally].map(([way, its]): Row => {
    const events = stored.filter(({ entityId }) => entityId.replace(/ \d+$/, '') === way)
    return { way, events: EVENTS, ...its, stored: events.length }
  })
  show(t, rows)
  const thrice = { events: EVENTS, sent: 3 * EVENTS, acknowledged: 3 * EVENTS }
  assert.deepEqual(rows, [
    { way: 'client id', ...thrice, stored: EVENTS },
    { way: 'Idempotency-Key', ...thrice, stored: EVENTS },
    { way: 'no id', ...thrice, stored: 3 * EVENTS },
    { way: 'Idempotency-Key of a batch', ...thrice, stored: EVENTS },
  ])
})

test('a log that answers 503, whether it has taken the event or not', async (t) => {
  const rows: Row[] = []
  for (const its of WAYS) rows.push(await withFailingLog(t, its, false))
  const ids = WAYS.find(({ way }) => way === 'no id') as Way
  rows.push(await withFailingLog(t, { ...ids, way: 'id of the 503' }, true))
  show(t, rows)
  const common = { events: EVENTS, sent: 2 * EVENTS, acknowledged: EVENTS }
  assert.deepEqual(rows, [
    { way: 'client id', ...common, stored: EVENTS },
    { way: 'Idempotency-Key', ...common, stored: EVENTS },
    // Half of the first appends were taken: what names no event cannot be told from a new one.
    { way: 'no id', ...common, stored: EVENTS + EVENTS / 2 },
    { way: 'id of the 503', ...common, stored: EVENTS },
  ])
})

/** Each event is refused once with 503, after the log has taken every second of them, and then sent again. */
async function withFailingLog(t: TestContext, its: Way, withId: boolean): Promise<Row> {
  let appends = 0
  const fixture = await createIngestFixture({
    wrapLog: (log) => ({
      ...log,
      async append(partition, values) {
        const attempt = appends++
        if (attempt % 2 === 1) return log.append(partition, values)
        if (attempt % 4 === 0) await log.append(partition, values)
        throw new MillraceError('LOG_UNAVAILABLE', { reason: 'the test says so' })
      },
    }),
  })
  t.after(() => fixture.close())
  const url = `/events.json?accessKey=${KEY_ALL}`
  const post: Post = async (event, headers) => {
    const reply = await fixture.server.inject({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json', ...headers },
      payload: JSON.stringify(event),
    })
    return { status: reply.statusCode, eventId: (reply.json() as { eventId?: string }).eventId }
  }
  let acknowledged = 0
  for (let n = 0; n < EVENTS; n++) {
    const event = { ...eventOf(its.way, n), ...its.body(n) }
    const first = await post(event, its.headers(n))
    assert.equal(first.status, 503)
    assert.equal(typeof first.eventId, 'string', 'a 503 tells the id to send it again with')
    const second = withId ? { ...event, eventId: first.eventId } : event
    const { status } = await post(second, its.headers(n))
    if (status === 201) acknowledged++
  }
  const found = await fixture.server.inject({ method: 'GET', url: `${url}&limit=-1` })
  const stored = (found.json() as unknown[]).length
  return { way: its.way, events: EVENTS, sent: appends, acknowledged, stored }
}
