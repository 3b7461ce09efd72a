// The Universal Recommender's own test through the whole cluster: imported over Kafka, stored in HBase, trained, and answered from
// Elasticsearch with the history that HBase has at that moment. An embedded platform is told the same, and answers the same.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { JsonObject } from '#schemas/json'
import type { QueryResult } from '#schemas/query'
import { action, eventUrls, itemEvent, send } from '../support/http-client.ts'
import { millraceJson, placeOf, startMillrace } from '../support/millrace-process.ts'
import { sharedPlace } from '../support/shared-place.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import {
  faultOf,
  type HandmadeCase,
  handmadeEngine,
  handmadeLines,
  IMPORTED,
} from '../support/ur-handmade-cases.ts'

const SCORINGS = ['global', 'weighted'] as const
/** Answers hold for some hours from the import on; it is the clock of the trainings. */
const NOW = Date.now()
const SHIFT = NOW - IMPORTED
const EVENTS = handmadeLines<JsonObject>('events.jsonl', SHIFT)
const CASES = handmadeLines<HandmadeCase>('expected-global.jsonl', SHIFT)

interface Recommender {
  /** Answers of an engine, as text. */
  ask(scoring: string, body: JsonObject | string, position?: string): Promise<string>
  /** Sends events and tells their positions. */
  tell(events: readonly object[]): Promise<string>
  readonly events: string
}

/** The set imported, and an engine trained for each scoring. */
async function openRecommender(t: TestContext, folder: string, place: string) {
  const on = (...args: string[]): string[] => [...args, ...placeOf(place)]
  const input = join(folder, 'events.jsonl')
  await writeFile(input, EVENTS.map((event) => `${JSON.stringify(event)}\n`).join(''))
  const server = await startMillrace(place, t)
  const { accessKey } = await millraceJson<{ accessKey: string }>(on('app', 'new', 'handmade'))
  await millraceJson(on('import', '--app', 'handmade', '--input', input))
  for (const scoring of SCORINGS) {
    const variant = join(folder, `${scoring}.json`)
    await writeFile(variant, JSON.stringify(handmadeEngine(scoring, `ur-${scoring}`)))
    await millraceJson(on('train', '--variant', variant, '--as-of', new Date(NOW).toISOString()))
  }
  const { batch, events } = eventUrls(server.event, accessKey)
  const recommender: Recommender = {
    events,
    ask: async (scoring, body, position) => {
      const url = `${server.query}/engines/ur-${scoring}/queries.json`
      for (;;) {
        const headers = position === undefined ? {} : { 'millrace-position': position }
        const reply = await send('POST', url, body, headers as Record<string, string>)
        assert.equal(reply.status, 200, reply.text)
        const degraded = reply.headers.get('millrace-degraded')
        if (degraded === null) return reply.text
        // An item waits for a refresh of Elasticsearch, longer than a query waits for the item.
        assert.equal(degraded, 'fresh')
      }
    },
    tell: async (all) => {
      const reply = await send('POST', batch, all)
      for (const { status } of reply.json as { status: number }[]) assert.equal(status, 201)
      return reply.headers.get('millrace-position') ?? ''
    },
  }
  return recommender
}

test('handmade data through Kafka, HBase and Elasticsearch: every score and order as embedded', async (t) => {
  const shared = await sharedPlace(t)
  const folder = await temporaryFolder(t)
  const cluster = await openRecommender(t, shared.folder, await shared.config('all'))
  const embedded = await openRecommender(t, folder, join(folder, 'data'))
  assert.equal(CASES.length, 28)

  await t.test('the store has every event, once', async () => {
    const [here, there] = await Promise.all(
      [cluster, embedded].map(async ({ events }) => {
        const all = (await send('GET', `${events}&limit=-1`)).json as JsonObject[]
        return all.map(({ eventId: _, creationTime: __, ...told }) => JSON.stringify(told)).sort()
      }),
    )
    assert.equal(here?.length, EVENTS.length)
    assert.deepEqual(here, there)
  })

  for (const scoring of SCORINGS) {
    await t.test(`${scoring}: 28 queries, byte for byte`, async () => {
      for (const one of CASES) {
        const body = one.raw ?? one.query
        const answer = await cluster.ask(scoring, body)
        assert.equal(answer, await embedded.ask(scoring, body), one.id)
        if (scoring !== 'global') continue
        assert.equal(faultOf(one, (JSON.parse(answer) as QueryResult).itemScores), null)
      }
    })

    await t.test(`${scoring}: the history is the live one`, async () => {
      const user = `late-${scoring}`
      const before = await cluster.ask(scoring, { user })
      const told = [
        action('purchase', user, 'Nexus'),
        action('category-pref', user, 'tablets'),
        action('view', user, 'Soap'),
        action('view', user, 'Tablets'),
        itemEvent('$set', `new-${scoring}`, { categories: ['Tablets'] }),
      ].map((event) => ({ ...event, eventTime: new Date(NOW).toISOString() }))
      const [here, there] = [await cluster.tell(told), await embedded.tell(told)]
      const after = await cluster.ask(scoring, { user, num: 20 }, here)
      assert.equal(after, await embedded.ask(scoring, { user, num: 20 }, there))
      assert.notEqual(after, before)
      const [first] = (JSON.parse(after) as QueryResult).itemScores
      assert.ok((first?.score ?? 0) > 0, after)
      assert.doesNotMatch(after, /"Nexus"/)
    })
  }
})
