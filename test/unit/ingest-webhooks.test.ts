// Calls of other services as events. What PredictionIO was recorded to answer is replayed by test/compat; here is what was
// not recorded: Segment's own spelling, MailChimp's forms, and the events that come of them.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { decodeRecord } from '#schemas/codec'
import { createIngestFixture, KEY_ALL, KEY_VIEW } from '../support/ingest-fixture.ts'

interface Stored {
  readonly event: string
  readonly entity: string
  readonly target: string | null
  readonly properties: unknown
  readonly eventTime: string
}

async function given(t: TestContext) {
  const fixture = await createIngestFixture()
  t.after(() => fixture.close())
  const post = async (
    file: string,
    payload: string,
    type: string | null,
    key = KEY_ALL,
  ): Promise<{ status: number; code: unknown; message: string }> => {
    const reply = await fixture.server.inject({
      method: 'POST',
      url: `/webhooks/${file}?accessKey=${key}`,
      payload,
      ...(type === null ? {} : { headers: { 'content-type': type } }),
    })
    const code = reply.headers['millrace-error']
    const isJson = reply.headers['content-type'] === 'application/json'
    return {
      status: reply.statusCode,
      code,
      message: isJson ? String(reply.json<{ message?: string }>().message) : reply.body,
    }
  }
  return {
    segment: (body: object | string, key?: string) =>
      post(
        'segmentio.json',
        typeof body === 'string' ? body : JSON.stringify(body),
        'application/json',
        key,
      ),
    mailchimp: (fields: Readonly<Record<string, string>> | string) =>
      post(
        'mailchimp.form',
        typeof fields === 'string' ? fields : new URLSearchParams(fields).toString(),
        'application/x-www-form-urlencoded',
      ),
    post,
    /** Events in the log. */
    async stored(): Promise<Stored[]> {
      const { records } = await fixture.log.read(0, 0, 1 << 20)
      return records.flatMap(({ value }) => {
        const record = decodeRecord(value)
        if (record.kind !== 'event') return []
        const { event, entityType, entityId, targetEntityType, targetEntityId } = record.event
        return [
          {
            event,
            entity: `${entityType} ${entityId}`,
            target: targetEntityType === null ? null : `${targetEntityType} ${targetEntityId}`,
            properties: JSON.parse(record.event.properties) as unknown,
            eventTime: new Date(record.event.eventTime).toISOString(),
          },
        ]
      })
    },
  }
}

const SENT = {
  version: 2,
  sentAt: '2025-02-23T22:28:55.111Z',
  timestamp: '2025-02-23T22:28:55.387+01:00',
}
const CONTEXT = {
  ip: '192.0.2.1',
  library: { name: 'analytics.js', version: '4' },
  page: { path: '/' },
}

test("Segment's own spelling: stored as if sent in the old one", async (t) => {
  const { segment, stored } = await given(t)
  const calls = [
    {
      ...SENT,
      type: 'track',
      userId: 'u',
      event: 'Bought',
      properties: { price: 9.5 },
      context: CONTEXT,
    },
    { ...SENT, type: 'identify', userId: 77, traits: { plan: 'pro' } },
    { ...SENT, type: 'alias', userId: 'u', previousId: 'a' },
    { ...SENT, type: 'group', anonymousId: 'a', groupId: 'g', traits: { n: 1 } },
    { ...SENT, type: 'page', anonymousId: 'a', name: 'Home' },
  ]
  for (const call of calls) assert.equal((await segment(call)).status, 201)
  const events = await stored()
  assert.deepEqual(
    events.map(({ event, entity }) => `${event} ${entity}`),
    ['track user u', 'identify user 77', 'alias user u', 'group user a', 'page user a'],
  )
  assert.deepEqual(
    events.map(({ properties }) => properties),
    [
      { context: CONTEXT, properties: { price: 9.5 }, event: 'Bought' },
      { traits: { plan: 'pro' } },
      { previous_id: 'a' },
      { group_id: 'g', traits: { n: 1 } },
      { name: 'Home' },
    ],
  )
  assert.ok(events.every(({ eventTime }) => eventTime === '2025-02-23T21:28:55.387Z'))
})

test('a Segment call that is no event: 400 says which part, and nothing is stored', async (t) => {
  const { segment, stored } = await given(t)
  const track = { ...SENT, type: 'track', userId: 'u', event: 'x' }
  const cases: readonly (readonly [object | string, RegExp])[] = [
    [{ ...track, version: null }, /^Failed to get segment\.io API version\.$/],
    [{ ...track, type: 'dance' }, /^Cannot convert unknown type dance to event JSON\.$/],
    [
      { ...track, sentAt: undefined },
      /^Cannot extract Common field .* No usable value for sent_at\n/,
    ],
    [{ ...track, event: {} }, /No usable value for event\nDo not know how to convert JObject/],
    [{ ...track, context: 'web' }, /No usable value for context\n/],
    [{ ...track, type: 'identify', userId: undefined, anonymousId: 'a' }, /for user_id\n/],
    [{ ...track, userId: undefined }, /^there was no `userId` or `anonymousId`/],
    [{ ...track, timestamp: 'bad' }, /eventTime bad/],
    ['"text"', /./],
  ]
  for (const [call, message] of cases) {
    const reply = await segment(call)
    assert.equal(reply.status, 400, JSON.stringify(call))
    assert.match(reply.message, message)
  }
  assert.deepEqual(await stored(), [])
})

test('a key for some events sends those of a webhook that it may send', async (t) => {
  const { segment, stored } = await given(t)
  const call = { ...SENT, type: 'page', userId: 'u' }
  const reply = await segment(call, KEY_VIEW)
  assert.deepEqual([reply.status, reply.code], [403, 'EVENT_NOT_ALLOWED'])
  assert.deepEqual(await stored(), [])
})

const FIRED = { fired_at: '2009-03-26 21:35:57' }
const PERSON = {
  'data[id]': '8a25ff1d98',
  'data[list_id]': 'a6b5da1054',
  'data[email]': 'api@example.com',
  'data[email_type]': 'html',
  'data[ip_opt]': '192.0.2.5',
}
const MERGES = {
  'data[merges][EMAIL]': 'api@example.com',
  'data[merges][FNAME]': 'Ann é',
  'data[merges][INTERESTS]': 'Group1,Group2',
}
const merges = { EMAIL: 'api@example.com', FNAME: 'Ann é', INTERESTS: 'Group1,Group2' }
const about = { email: 'api@example.com', email_type: 'html', ip_opt: '192.0.2.5' }

const MAILCHIMP: readonly (readonly [
  string,
  Record<string, string>,
  Omit<Stored, 'event' | 'eventTime'>,
])[] = [
  [
    'subscribe',
    { ...PERSON, ...MERGES, 'data[ip_signup]': '192.0.2.6' },
    {
      entity: 'user 8a25ff1d98',
      target: 'list a6b5da1054',
      properties: { ...about, ip_signup: '192.0.2.6', merges },
    },
  ],
  [
    'unsubscribe',
    { ...PERSON, 'data[action]': 'unsub', 'data[reason]': 'manual', 'data[campaign_id]': 'cb' },
    {
      entity: 'user 8a25ff1d98',
      target: 'list a6b5da1054',
      properties: { ...about, action: 'unsub', reason: 'manual', campaign_id: 'cb' },
    },
  ],
  [
    'profile',
    { ...PERSON, ...MERGES },
    { entity: 'user 8a25ff1d98', target: 'list a6b5da1054', properties: { ...about, merges } },
  ],
  [
    'upemail',
    {
      'data[list_id]': 'a6b5da1054',
      'data[new_id]': '51da8c3259',
      'data[new_email]': 'new@example.com',
      'data[old_email]': 'old@example.com',
    },
    {
      entity: 'user 51da8c3259',
      target: 'list a6b5da1054',
      properties: { new_email: 'new@example.com', old_email: 'old@example.com' },
    },
  ],
  [
    'cleaned',
    {
      'data[list_id]': 'a6b5da1054',
      'data[campaign_id]': '4fjk2ma9xd',
      'data[reason]': 'hard',
      'data[email]': 'api@example.com',
    },
    {
      entity: 'list a6b5da1054',
      target: null,
      properties: { campaignId: '4fjk2ma9xd', reason: 'hard', email: 'api@example.com' },
    },
  ],
  [
    'campaign',
    {
      'data[id]': '5aa2102003',
      'data[list_id]': 'a6b5da1054',
      'data[subject]': 'Test',
      'data[status]': 'sent',
      'data[reason]': '',
    },
    {
      entity: 'campaign 5aa2102003',
      target: 'list a6b5da1054',
      properties: { subject: 'Test', status: 'sent', reason: '' },
    },
  ],
]

for (const [type, fields, expected] of MAILCHIMP) {
  test(`MailChimp: ${type}`, async (t) => {
    const { mailchimp, stored } = await given(t)
    const reply = await mailchimp({ type, ...FIRED, ...fields })
    assert.equal(reply.status, 201, reply.message)
    const eventTime = '2009-03-26T21:35:57.000Z'
    assert.deepEqual(await stored(), [{ event: type, ...expected, eventTime }])
  })
}

test('a MailChimp call that is no event: 400 says why, and nothing is stored', async (t) => {
  const { mailchimp, post, stored } = await given(t)
  const whole = { type: 'profile', ...FIRED, ...PERSON }
  const { 'data[id]': _id, ...nobody } = whole
  const cases: readonly (readonly [Record<string, string> | string, string])[] = [
    [FIRED, "The field 'type' is required for MailChimp data."],
    [{ ...FIRED, type: 'foo' }, 'Cannot convert unknown MailChimp data type foo to event JSON'],
    [{ ...PERSON, type: 'profile' }, 'key not found: fired_at'],
    [nobody, 'key not found: data[id]'],
    [{ ...whole, fired_at: 'today' }, 'Invalid format: "today", yyyy-MM-dd HH:mm:ss is expected'],
  ]
  for (const [fields, message] of cases) {
    const reply = await mailchimp(fields)
    assert.deepEqual([reply.status, reply.message], [400, message])
  }
  assert.match((await mailchimp('type=%zz')).message, /^The form is malformed/)
  const json = await post('mailchimp.form', '{}', 'application/json')
  assert.deepEqual([json.status, json.code], [415, 'CONTENT_TYPE_UNSUPPORTED'])
  assert.match(json.message, /Expected:\napplication\/x-www-form-urlencoded$/)
  const form = await post('segmentio.json', 'a=1', 'application/x-www-form-urlencoded')
  assert.equal(form.status, 415)
  assert.match(form.message, /Expected:\napplication\/json$/)
  assert.deepEqual(await stored(), [])
})

test('a connector is known under its own kind of body alone', async (t) => {
  const { post } = await given(t)
  const form = 'application/x-www-form-urlencoded'
  for (const [file, type] of [
    ['mailchimp.json', 'application/json'],
    ['segmentio.form', form],
    ['none.form', form],
  ] as const) {
    const reply = await post(file, type === form ? 'a=1' : '{}', type)
    const name = file.split('.')[0]
    const message = `webhooks connection for ${name} is not supported.`
    assert.deepEqual([reply.status, reply.message], [404, message])
  }
})
