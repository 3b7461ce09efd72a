// An app deleted under load, by another process than the one that takes its events: its posts get their error, its data are gone
// from everywhere, the other app is unharmed, and a new app of the same name begins with nothing.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import { createArchive } from '../../infra/archive/archive.ts'
import { PARTITIONS, readKafkaUrl } from '../../infra/kafka/config.ts'
import { loadKafkajs } from '../../infra/kafka/kafkajs.ts'
import { openFilesAt } from '../../infra/wiring/files-place.ts'
import { openEventStoreAt } from '../../infra/wiring/store-place.ts'
import { createTestIndexes } from '../support/elasticsearch.ts'
import { action, eventUrls, itemEvent, send } from '../support/http-client.ts'
import { newApp } from '../support/inbox-shop.ts'
import { KAFKA_URL } from '../support/kafka.ts'
import { createLedger } from '../support/ledger.ts'
import { millraceJson, placeOf, startMillrace } from '../support/millrace-process.ts'
import { type SharedPlace, sharedPlace } from '../support/shared-place.ts'
import { shopEngine } from '../support/shop-engine.ts'
import { clusterUrl } from '../support/test-cluster.ts'
import { until } from '../support/until.ts'

const LOAD_MS = 3_000
const GONE_MS = 30_000

async function openKafka(t: TestContext) {
  const { Kafka, logLevel, Partitioners } = await loadKafkajs()
  const brokers = [...readKafkaUrl(KAFKA_URL).brokers]
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 1 } })
  const [admin, producer] = [
    kafka.admin(),
    kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner }),
  ]
  await admin.connect()
  await producer.connect()
  t.after(async () => {
    await admin.disconnect()
    await producer.disconnect()
  })
  return { admin, producer }
}

/** Events that an app has in the event store, and in the archive as trainings read it. */
async function eventsOf(t: TestContext, { folder, prefix }: SharedPlace) {
  const place = { url: clusterUrl('store'), prefix, path: '' }
  const store = await openEventStoreAt(place, systemClock)
  const files = await openFilesAt(
    { url: `file://${join(folder, 'files')}`, data: folder },
    systemClock,
  )
  const archive = createArchive({ files, telemetry: silentTelemetry, clock: systemClock })
  t.after(async () => {
    await archive.close()
    await files.close()
    await store.close()
  })
  return {
    stored: async (app: number): Promise<number> => {
      store.refresh()
      return [...(await store.count(app)).values()].reduce((sum, count) => sum + count, 0)
    },
    archived: async (app: number): Promise<number> => {
      const ends = Array.from({ length: PARTITIONS }, (_, partition) => archive.end(partition))
      const upTo = { generation: 0, offsets: await Promise.all(ends) }
      let rows = 0
      for await (const batch of archive.events({ app, channel: 0, upTo })) rows += batch.length
      return rows
    },
  }
}

test('an app deleted under load: gone from everywhere, the other app unharmed', async (t) => {
  const shared = await sharedPlace(t)
  const { folder, prefix } = shared
  const [front, back] = [await shared.config('front'), await shared.config('back')]
  const ingest = await startMillrace(front, t, { args: ['--roles', 'ingest'] })
  const rest = await startMillrace(back, t, { args: ['--roles', 'streams,batch,serving'] })
  const on = (...args: string[]): string[] => [...args, ...placeOf(back)]
  const { admin, producer } = await openKafka(t)
  const indexes = await createTestIndexes(clusterUrl('index'))
  t.after(() => indexes.close())
  const indexesOf = async (pattern: string): Promise<string[]> =>
    Object.keys(
      (await indexes.client.request('GET', `/${prefix}.${pattern}`, {
        query: { filter_path: '*.aliases', ignore_unavailable: true },
      })) as object,
    )

  const [doomed, other] = [await newApp(back, 'doomed'), await newApp(back, 'other')]
  const inboxOf = (app: number): string => `${prefix}.inbox.app-${app}`
  await until(async () => {
    const topics = await admin.listTopics()
    return [doomed, other].every(({ id }) => topics.includes(inboxOf(id)))
  }, GONE_MS)
  for (const { name, accessKey } of [
    { name: 'doomed', ...doomed },
    { name: 'other', ...other },
  ]) {
    const urls = eventUrls(ingest.event, accessKey)
    const seed = [
      action('buy', 'u1', 'seed'),
      action('buy', 'u2', 'seed'),
      itemEvent('$set', 'seed', { of: name }),
    ]
    await until(async () => (await send('POST', urls.batch, seed)).status === 200, GONE_MS)
    const engine = { ...shopEngine(['buy'], { appName: name }), id: name }
    const file = join(folder, `${name}.json`)
    await writeFile(file, JSON.stringify({ ...engine, datasource: { params: { appName: name } } }))
    await millraceJson(on('train', '--variant', file))
  }
  assert.equal((await indexesOf('version.doomed.*')).length, 1)

  const ledgers = [doomed, other].map(({ accessKey }) => createLedger(accessKey))
  const over = new AbortController()
  const loads = ledgers.map((ledger) => ledger.load(ingest.event, over.signal))
  let produced = 0
  const producing = (async () => {
    for (; !over.signal.aborted; produced++) {
      const value = JSON.stringify(action('buy', `direct-${produced}`, 'seed'))
      await producer.send({ topic: inboxOf(other.id), messages: [{ value }] })
      // To the app that is deleted nobody can write any more.
      await producer.send({ topic: inboxOf(doomed.id), messages: [{ value }] }).catch(() => {})
      await sleep(50)
    }
  })()
  await sleep(LOAD_MS)
  await millraceJson(on('app', 'delete', 'doomed', '--force'))
  const [ofDoomed, ofOther] = ledgers.map(({ acknowledged }) => acknowledged.size)
  await sleep(LOAD_MS)
  over.abort()
  await Promise.all([...loads, producing])
  const [gone, kept] = ledgers
  assert.ok((ofDoomed ?? 0) > 20, `only ${ofDoomed} acknowledged before`)
  assert.ok((kept?.acknowledged.size ?? 0) > (ofOther ?? 0), 'the other app goes on')
  assert.equal(gone?.acknowledged.size, ofDoomed, 'nothing is accepted behind the deletion')

  await t.test('its requests get their error', async () => {
    const urls = eventUrls(ingest.event, doomed.accessKey)
    for (const [method, url, body] of [
      ['POST', urls.events, action('buy', 'u', 'i')] as const,
      ['GET', urls.events, undefined] as const,
    ]) {
      assert.equal((await send(method, url, body)).status, 401)
    }
    const query = await send('POST', `${rest.query}/engines/doomed/queries.json`, { user: 'u1' })
    assert.equal(query.status, 404)
  })

  await t.test('the other app has everything, once', async () => {
    const urls = eventUrls(ingest.event, other.accessKey)
    const events = async (by: string): Promise<string[]> => {
      const all = (await send('GET', `${urls.events}&limit=-1`)).json as Record<string, string>[]
      const its = all.filter(({ entityId }) => entityId?.startsWith(by))
      return its.map(({ entityId, targetEntityId }) => `${entityId} ${targetEntityId}`)
    }
    await until(async () => (await events('direct-')).length >= produced, GONE_MS)
    assert.equal(new Set(await events('direct-')).size, produced)
    assert.equal((await events('direct-')).length, produced, 'twice')
    const posted = (await events('user-')).map((text) => text.split(' ')[1] ?? '')
    assert.equal(new Set(posted).size, posted.length, 'twice')
    const lost = [...(kept?.acknowledged ?? [])].filter((name) => !posted.includes(name))
    assert.deepEqual(lost, [])
    const answer = await send('POST', `${rest.query}/engines/other/queries.json`, { num: 1 })
    assert.match(answer.text, /"seed"/)
  })

  await t.test('its data are gone', async () => {
    const { stored, archived } = await eventsOf(t, shared)
    // A training closes the ranges of the archive at what it has read.
    await millraceJson(on('train', '--variant', join(folder, 'other.json')))
    assert.equal(await stored(doomed.id), 0)
    assert.equal(await archived(doomed.id), 0)
    assert.equal(await archived(other.id), await stored(other.id))
    await until(async () => (await indexesOf(`items.${doomed.id}`)).length === 0, GONE_MS)
    assert.deepEqual(await indexesOf('version.doomed.*'), [])
    await until(async () => !(await admin.listTopics()).includes(inboxOf(doomed.id)), GONE_MS)
    assert.ok((await admin.listTopics()).includes(inboxOf(other.id)))
  })

  await t.test('a new app of its name begins with nothing', async () => {
    const { accessKey, id } = await newApp(back, 'doomed')
    assert.notEqual(id, doomed.id)
    const urls = eventUrls(ingest.event, accessKey)
    // No event at all is 404, as in PredictionIO; before the event server has heard of the key it is 401.
    await until(async () => (await send('GET', urls.events)).status === 404, GONE_MS)
    const failed = await millraceJson(on('train', '--variant', join(folder, 'doomed.json'))).then(
      () => '',
      String,
    )
    assert.match(failed, /TRAINING_NO_EVENTS/)
  })
  t.diagnostic(
    `deleted app: ${ofDoomed} acknowledged before, 0 behind, 0 left; other app: ${kept?.acknowledged.size} and ${produced} direct, 0 lost, 0 twice`,
  )
})
