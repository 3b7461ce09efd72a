// `/stats.json`: exact counts by app, kind and status; hours that begin anew.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Clock, systemClock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { Log } from '#ports/log'
import { createStats, KINDS_MAX } from '../../ingest/stats.ts'
import { createIngestFixture, KEY_ALL, KEY_OTHER } from '../support/ingest-fixture.ts'

interface Window {
  readonly startTime: string
  readonly endTime?: string
  readonly basic: readonly { readonly key: object; readonly value: number }[]
  readonly statusCode: readonly { readonly key: number; readonly value: number }[]
}

type Report = Readonly<Record<'currentHour' | 'prevHour' | 'longLive', Window>> & {
  readonly time: string
}

const START = Date.parse('2025-03-01T10:30:00.000Z')

/** A clock that stands still until it is set. */
function clockAt(time: number): Clock & { set(time: number): void } {
  let now = time
  return { ...systemClock, now: () => now, set: (to) => (now = to) }
}

const view = { entityType: 'user', targetEntityType: 'item', event: 'view' }
const set = { entityType: 'item', targetEntityType: null, event: '$set' }

async function given(t: TestContext, stats: boolean, wrapLog?: (log: Log) => Log) {
  const clock = clockAt(START)
  const fixture = await createIngestFixture({ clock, stats, ...(wrapLog && { wrapLog }) })
  t.after(() => fixture.close())
  const send = async (path: string, payload: object, key = KEY_ALL): Promise<number> => {
    const url = `${path}?accessKey=${key}`
    return (await fixture.server.inject({ method: 'POST', url, payload })).statusCode
  }
  const stat = async (key = KEY_ALL) => {
    const reply = await fixture.server.inject({ url: `/stats.json?accessKey=${key}` })
    return { status: reply.statusCode, report: reply.json<Report>() }
  }
  return { clock, send, stat }
}

const VIEW = { ...view, entityId: 'u', targetEntityId: 'i' }
const SET = { entityType: 'item', event: '$set', entityId: 'i', properties: { a: 1 } }

test('what is accepted is counted by kind, of its own app', async (t) => {
  const { send, stat } = await given(t, true)
  assert.equal(await send('/events.json', VIEW), 201)
  assert.equal(await send('/events.json', SET), 201)
  assert.equal(await send('/events.json', { event: 'view' }), 400)
  assert.equal(await send('/batch/events.json', [VIEW, {}, VIEW]), 200)
  const page = {
    type: 'page',
    userId: 'u',
    version: 2,
    sentAt: 'x',
    timestamp: '2025-01-01T00:00:00Z',
  }
  assert.equal(await send('/webhooks/segmentio.json', page), 201)
  const { status, report } = await stat()
  assert.equal(status, 200)
  assert.equal(report.time, '2025-03-01T10:30:00.000Z')
  const basic = [
    { key: view, value: 3 },
    { key: { entityType: 'item', event: '$set' }, value: 1 },
    { key: { entityType: 'user', event: 'page' }, value: 1 },
  ]
  const statusCode = [{ key: 201, value: 5 }]
  const start = '2025-03-01T10:00:00.000Z'
  assert.deepEqual(report.currentHour, { startTime: start, basic, statusCode })
  assert.deepEqual(report.longLive, { startTime: '2025-03-01T10:30:00.000Z', basic, statusCode })
  const empty = { startTime: '2025-03-01T09:00:00.000Z', endTime: start, basic: [], statusCode: [] }
  assert.deepEqual(report.prevHour, empty)
  assert.deepEqual((await stat(KEY_OTHER)).report.longLive.basic, [])
})

test('what the log did not take is counted as 503', async (t) => {
  const away = async (): Promise<never> => {
    throw new MillraceError('LOG_UNAVAILABLE', { reason: 'away' })
  }
  const { send, stat } = await given(t, true, (log) => ({ ...log, append: away }))
  assert.equal(await send('/events.json', VIEW), 503)
  assert.equal(await send('/batch/events.json', [VIEW]), 200)
  const { report } = await stat()
  assert.deepEqual(report.currentHour.statusCode, [{ key: 503, value: 2 }])
})

test('an hour ends: it is the one before, and then forgotten', () => {
  const clock = clockAt(START)
  const stats = createStats(clock)
  const report = (): Report => JSON.parse(stats.report(1)) as Report
  const counts = ({ currentHour, prevHour, longLive }: Report): number[] =>
    [currentHour, prevHour, longLive].map(({ basic }) =>
      basic.reduce((sum, { value }) => sum + value, 0),
    )
  stats.count(1, view, 201)
  clock.set(Date.parse('2025-03-01T10:59:59.999Z'))
  stats.count(1, set, 201)
  assert.deepEqual(counts(report()), [2, 0, 2])
  clock.set(Date.parse('2025-03-01T11:00:00.000Z'))
  stats.count(1, view, 201)
  const next = report()
  assert.deepEqual(counts(next), [1, 2, 3])
  assert.equal(next.prevHour.endTime, '2025-03-01T11:00:00.000Z')
  clock.set(Date.parse('2025-03-01T13:15:00.000Z'))
  assert.deepEqual(counts(report()), [0, 0, 3])
})

test('kinds beyond the limit are counted by status alone', () => {
  const stats = createStats(clockAt(START))
  for (let n = 0; n <= KINDS_MAX; n++) stats.count(1, { ...view, event: `e${n}` }, 201)
  const { longLive } = JSON.parse(stats.report(1)) as Report
  assert.equal(longLive.basic.length, KINDS_MAX)
  assert.deepEqual(longLive.statusCode, [{ key: 201, value: KINDS_MAX + 1 }])
})

test('without the setting: PredictionIO’s own refusal', async (t) => {
  const { stat } = await given(t, false)
  assert.equal((await stat()).status, 404)
})
