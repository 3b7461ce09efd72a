// What is wrong with an engine.json, its events or its queries is said where its user meets it: on the command line, and in
// the answer of the server.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { JsonObject } from '#schemas/json'
import type { QueryResult } from '#schemas/query'
import { action, eventUrls, itemEvent, send } from '../support/http-client.ts'
import { millrace, millraceJson, startMillrace } from '../support/millrace-process.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const engine = (
  params: JsonObject,
  more: JsonObject = {},
  source: JsonObject = {},
): JsonObject => ({
  id: 'first',
  engineFactory: 'universal',
  datasource: { params: { appName: 'shop', ...source } },
  algorithms: [{ name: 'ur', params: { eventNames: ['buy', 'view'], ...params } }],
  ...more,
})

test('engines, events and queries that are wrong', async (t) => {
  const folder = await temporaryFolder(t)
  const data = join(folder, 'data')
  const { accessKey } = await millraceJson<{ accessKey: string }>([
    'app',
    'new',
    'shop',
    '--data',
    data,
  ])
  await millraceJson(['app', 'new', 'other', '--data', data])
  const server = await startMillrace(data, t)
  const urls = eventUrls(server.event, accessKey)
  let files = 0
  const file = async (json: JsonObject): Promise<string> => {
    const path = join(folder, `engine-${files++}.json`)
    await writeFile(path, JSON.stringify(json))
    return path
  }
  const train = async (json: JsonObject) =>
    millrace(['train', '--data', data, '--variant', await file(json)])
  const refused = async (json: JsonObject, ...words: RegExp[]): Promise<void> => {
    const { code, stderr } = await train(json)
    assert.equal(code, 1, stderr)
    for (const word of words) assert.match(stderr, word)
    assert.doesNotMatch(stderr, /\n\s+at /)
  }

  await t.test(
    'an event whose time says no zone is refused, and so is a time that is none',
    async () => {
      for (const eventTime of ['2025-01-01T00:00:00', '2025-01-01', 'yesterday', 5]) {
        const reply = await send('POST', urls.events, action('buy', 'u', 'i', { eventTime }))
        assert.equal(reply.status, 400, String(eventTime))
        assert.match(reply.headers.get('millrace-error') ?? '', /^EVENT_/)
      }
    },
  )

  await t.test('an app without an event', () =>
    refused(engine({}), /TRAINING_NO_EVENTS/, /has none that users did to items/),
  )

  const batch = await send('POST', urls.batch, [
    action('buy', 'u1', 'a'),
    action('buy', 'u1', 'b'),
    action('buy', 'u2', 'a'),
    action('view', 'u2', 'b'),
    itemEvent('$set', 'a', { until: '2030-01-01T00:00:00' }),
    itemEvent('$set', 'b', { until: '2030-01-01T00:00:00+02:00' }),
  ])
  assert.equal(batch.status, 200)

  await t.test('events of another name, too few events, wrong parameters', async () => {
    await refused(engine({ eventNames: ['buys'] }), /TRAINING_NO_EVENTS/, /did you mean buy\./)
    const tooFew = { minEventsPerUser: 9 }
    await refused(engine({}, {}, tooFew), /no user has 9 of them \(minEventsPerUser\)/)
    await refused(engine({ num: '4' }), /params\.num: this must be a number, not "4"/)
    await refused(engine({ rankings: [{ offsetDate: '2025-02-30' }] }), /"2025-02-30" is no time/)
  })

  await t.test('an indicator that nobody has: trained, and remarked on', async () => {
    const { code, stderr } = await train(engine({ eventNames: ['buy', 'veiw'] }))
    assert.equal(code, 0, stderr)
    assert.match(stderr, /the indicator veiw has no events of users on items\. Did you mean view\?/)
  })

  await t.test('several engines of one app; an id of another app is taken', async () => {
    const second = { eventNames: ['view'], expireDateName: 'until' }
    assert.equal((await train(engine(second, { id: 'second' }))).code, 0)
    const foreign = { datasource: { params: { appName: 'other' } }, id: 'second' }
    await refused(engine(second, foreign), /ENGINE_ID_TAKEN/)
    const items = async (path: string): Promise<string[]> => {
      const { json } = await send('POST', `${server.query}${path}`, { user: 'u3' })
      return (json as QueryResult).itemScores.map(({ item }) => item)
    }
    assert.deepEqual(await items('/queries.json'), ['a', 'b'])
    assert.deepEqual(await items('/engines/first/queries.json'), ['a', 'b'])
    assert.deepEqual(await items('/engines/second/queries.json'), ['b', 'a'])
  })

  await t.test('queries: wrong types are refused, unknown names told', async () => {
    const ask = (body: unknown, id = 'second') =>
      send('POST', `${server.query}/engines/${id}/queries.json`, body)
    const wrong: [unknown, RegExp][] = [
      [{ num: 'four' }, /num is "four"; a number is expected/],
      [{ user: ['u'] }, /user is \["u"\]; text is expected/],
      [{ fields: { name: 'a' } }, /fields is .* a list of/],
      [{ currentDate: '2025-02-30' }, /currentDate is "2025-02-30"; an ISO 8601 time/],
      [{ dateRange: { name: 'until', after: 'noon' } }, /dateRange\.after is "noon"/],
      ['[1, 2', /./],
    ]
    for (const [body, message] of wrong) {
      const reply = await ask(body)
      assert.equal(reply.status, 400, reply.text)
      assert.match((reply.json as { message: string }).message, message)
    }
    const told = await ask({ usr: 'u', eventNames: ['views'] })
    assert.equal(told.status, 200)
    assert.match(told.headers.get('millrace-warning') ?? '', /did you mean user\?.*views is no/)
    // Without a zone it is UTC: for an item's date as for a query's.
    const at = async (currentDate: string): Promise<string[]> =>
      ((await ask({ currentDate })).json as QueryResult).itemScores.map(({ item }) => item)
    assert.deepEqual(await at('2029-12-31T23:59:59'), ['a'])
    assert.deepEqual(await at('2029-12-31T22:59:59+01:00'), ['b', 'a'])
  })
})
