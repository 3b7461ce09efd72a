// The token bucket of an access key: its arithmetic alone, then what a request gets, by exact count.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Bucket, createAdmission, takeTokens } from '../../ingest/admission.ts'
import { createIngestFixture, KEY_ALL, KEY_OTHER, KEY_VIEW } from '../support/ingest-fixture.ts'
import { createManualClock } from '../support/memory/clock.ts'

const RATE = { perSecond: 10, capacity: 50 }

describe('takeTokens', () => {
  const cases: readonly {
    name: string
    given: Bucket | undefined
    when: { tokens: number; at: number }
    verdict: ReturnType<typeof takeTokens>
  }[] = [
    {
      name: 'a new bucket is full',
      given: undefined,
      when: { tokens: 50, at: 7 },
      verdict: { ok: true, bucket: { tokens: 0, at: 7 } },
    },
    {
      name: 'more than a full bucket is never admitted',
      given: undefined,
      when: { tokens: 51, at: 0 },
      verdict: { ok: false, waitMs: 100 },
    },
    {
      name: 'it fills at the rate',
      given: { tokens: 0, at: 0 },
      when: { tokens: 4, at: 500 },
      verdict: { ok: true, bucket: { tokens: 1, at: 500 } },
    },
    {
      name: 'not beyond its capacity',
      given: { tokens: 0, at: 0 },
      when: { tokens: 0, at: 3_600_000 },
      verdict: { ok: true, bucket: { tokens: 50, at: 3_600_000 } },
    },
    {
      name: 'one token short waits for that token',
      given: { tokens: 0, at: 0 },
      when: { tokens: 5, at: 400 },
      verdict: { ok: false, waitMs: 100 },
    },
  ]
  for (const { name, given, when, verdict } of cases) {
    it(name, () => assert.deepEqual(takeTokens(given, when.tokens, when.at, RATE), verdict))
  }

  it('admits exactly what the rate gives, however it is asked', () => {
    for (const step of [1, 3, 7, 33, 100]) {
      let bucket: Bucket = { tokens: 0, at: 0 }
      let admitted = 0
      for (let now = step; now <= 21_000; now += step) {
        const taken = takeTokens(bucket, 1, now, RATE)
        if (taken.ok) {
          bucket = taken.bucket
          admitted++
        }
      }
      assert.equal(admitted, Math.floor((Math.floor(21_000 / step) * step * 10) / 1000), `${step}`)
    }
  })
})

describe('createAdmission', () => {
  it('limits nothing at 0', () => {
    const admission = createAdmission(0, 50, createManualClock())
    for (let n = 0; n < 1000; n++) assert.equal(admission('k', 50), null)
  })

  it('keeps those who are limited when it forgets full buckets', () => {
    const clock = createManualClock()
    const admission = createAdmission(1, 1, clock)
    assert.equal(admission('busy', 1), null)
    for (let n = 0; n < 10_001; n++) assert.equal(admission(`k${n}`, 1), null)
    assert.equal(admission('busy', 1)?.code, 'ADMISSION_LIMITED')
    clock.advance(1000)
    assert.equal(admission('busy', 1), null)
  })
})

describe('an event server with a limit of events', () => {
  const event = { event: 'view', entityType: 'user', entityId: 'u' }
  const post = (path: string, payload: unknown, key = KEY_ALL) =>
    ({
      method: 'POST',
      url: `${path}?accessKey=${key}`,
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify(payload),
    }) as const
  const single = (key?: string) => post('/events.json', event, key)
  const batch = (events: readonly object[]) => post('/batch/events.json', events)

  it('refuses one more event than the bucket holds, a key for itself', async (t) => {
    const clock = createManualClock()
    const fixture = await createIngestFixture({ clock, limits: { eventsPerSecond: 100 } })
    t.after(() => fixture.close())
    const statuses = new Map<number, number>()
    for (let n = 0; n < 130; n++) {
      const { statusCode } = await fixture.server.inject(single())
      statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1)
    }
    assert.deepEqual(
      [...statuses],
      [
        [201, 100],
        [429, 30],
      ],
    )
    const refused = await fixture.server.inject(single())
    assert.equal(refused.headers['retry-after'], '1')
    assert.equal(refused.headers['millrace-error'], 'ADMISSION_LIMITED')
    assert.deepEqual(refused.json(), {
      message: 'This access key may send 100 events a second.',
    })
    assert.equal((await fixture.server.inject(single(KEY_VIEW))).statusCode, 201, 'same app')
    assert.equal((await fixture.server.inject(single(KEY_OTHER))).statusCode, 201, 'other app')
    assert.equal((await fixture.records()).length, 102)
    clock.advance(20)
    assert.equal((await fixture.server.inject(single())).statusCode, 201)
    assert.equal((await fixture.server.inject(single())).statusCode, 201)
    assert.equal((await fixture.server.inject(single())).statusCode, 429)
  })

  it('counts each element of a batch and refuses the batch whole', async (t) => {
    const clock = createManualClock()
    const fixture = await createIngestFixture({ clock, limits: { eventsPerSecond: 2 } })
    t.after(() => fixture.close())
    const thirty = Array.from({ length: 30 }, () => event)
    assert.equal((await fixture.server.inject(batch(thirty))).statusCode, 200)
    const refused = await fixture.server.inject(batch(thirty))
    assert.equal(refused.statusCode, 429)
    assert.equal(refused.headers['retry-after'], '5', '10 tokens are missing, 2 come a second')
    assert.equal((await fixture.records()).length, 30, 'nothing of the refused batch is in the log')
    const twenty = [...thirty.slice(0, 19), { event: 'broken' }]
    assert.equal((await fixture.server.inject(batch(twenty))).statusCode, 200)
    assert.equal((await fixture.server.inject(batch([event]))).statusCode, 429, 'bad ones count')
    assert.equal((await fixture.server.inject(batch([]))).statusCode, 200, 'none takes none')
    assert.equal((await fixture.records()).length, 49)
  })

  it('counts a deletion and no read', async (t) => {
    const clock = createManualClock()
    const fixture = await createIngestFixture({
      clock,
      limits: { eventsPerSecond: 1, batchEventsMax: 2 },
    })
    t.after(() => fixture.close())
    const { eventId } = (await fixture.server.inject(single())).json()
    const url = `/events/${eventId}.json?accessKey=${KEY_ALL}`
    for (let n = 0; n < 5; n++) {
      assert.equal((await fixture.server.inject({ method: 'GET', url })).statusCode, 200)
    }
    assert.equal((await fixture.server.inject({ method: 'DELETE', url })).statusCode, 200)
    assert.equal((await fixture.server.inject({ method: 'DELETE', url })).statusCode, 429)
  })
})
