// What the console port says after real traffic.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { action, eventUrls, send } from '../support/http-client.ts'
import { millrace, millraceJson, startMillrace } from '../support/millrace-process.ts'
import { shopEngine } from '../support/shop-engine.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/until.ts'

const ENGINE = shopEngine()

test('health, readiness and counted traffic', async (t) => {
  const data = join(await temporaryFolder(t), 'data')
  const server = await startMillrace(data, t)
  const create = ['app', 'new', 'shop', '--data', data]
  const { accessKey } = await millraceJson<{ accessKey: string }>(create)
  const { events } = eventUrls(server.event, accessKey)
  for (const item of ['i1', 'i2']) {
    const reply = await send('POST', events, action('view', 'u1', item, { eventId: 'one' }))
    assert.equal(reply.status, 201)
  }
  assert.equal((await send('POST', events, { event: 'view' })).status, 400)
  const scrape = async (): Promise<string> => (await send('GET', `${server.console}/metrics`)).text
  await until(async () =>
    /millrace_dead_letters_total\{reason="EVENT_ID_REUSED"\} 1/.test(await scrape()),
  )
  const text = await scrape()
  for (const line of [
    /^millrace_events_accepted_total\{app="1"\} 2$/m,
    /^millrace_events_refused_total\{code="\w+"\} 1$/m,
    /^millrace_events_dropped_total\{code="OVERLOADED"\} 0$/m,
    /^millrace_log_groups_total\{log="events"\} [12]$/m,
    /^millrace_sink_applied_total\{sink="store"\} 2$/m,
    /^millrace_sink_failures_total\{sink="index"\} 0$/m,
    /^millrace_sink_lag_records\{sink="store"\} 0$/m,
    /^millrace_jobs\{state="running"\} 0$/m,
    /^millrace_requests_in_flight\{server="event"\} 0$/m,
  ]) {
    assert.match(text, line)
  }
  for (const [path, status] of [
    ['/alive', 'alive'],
    ['/ready', 'ready'],
    ['/health', 'ok'],
  ] as const) {
    const reply = await send('GET', `${server.console}${path}`)
    assert.deepEqual([reply.status, (reply.json as { status: string }).status], [200, status])
  }
  const { stdout } = await millrace(['status', '--data', data])
  assert.match(stdout, /dead letters EVENT_ID_REUSED: 1, of which 0 sent again/)
})

test('trainings, queries and freshness', async (t) => {
  const folder = await temporaryFolder(t)
  const data = join(folder, 'data')
  const file = join(folder, 'engine.json')
  await writeFile(file, JSON.stringify(ENGINE))
  const server = await startMillrace(data, t)
  const create = ['app', 'new', 'shop', '--data', data]
  const { accessKey } = await millraceJson<{ accessKey: string }>(create)
  const { events } = eventUrls(server.event, accessKey)
  for (const user of ['u1', 'u2', 'u3']) {
    for (const item of ['i1', 'i2']) {
      const reply = await send('POST', events, action('buy', user, item))
      assert.equal(reply.status, 201)
    }
  }
  await millraceJson(['train', '--variant', file, '--data', data])
  const queries = `${server.query}/engines/shop/queries.json`
  assert.equal((await send('POST', queries, { user: 'u1' })).status, 200)
  assert.equal((await send('POST', queries, { user: 'u1', num: 'many' })).status, 400)
  const late = await send('POST', queries, { user: 'u1' }, { 'millrace-position': '0/0/999' })
  assert.equal(late.headers.get('millrace-degraded'), 'fresh')
  const { text } = await send('GET', `${server.console}/metrics`)
  for (const line of [
    /^millrace_trainings_total\{engine="shop",outcome="done"\} 1$/m,
    /^millrace_training_seconds\{engine="shop"\} \d/m,
    /^millrace_queries_total\{engine="shop",status="200"\} 2$/m,
    /^millrace_queries_total\{engine="none",status="400"\} 1$/m,
    /^millrace_query_ms_count\{engine="shop"\} \d$/m,
    /^millrace_query_degraded_total\{engine="shop",lack="fresh"\} 1$/m,
    /^millrace_freshness_ms_count\{sink="store"\} [1-9]/m,
    /^millrace_freshness_ms_count\{sink="index"\} [1-9]/m,
    /^millrace_sink_applied_total\{sink="index"\} [7-9]$/m,
  ]) {
    assert.match(text, line)
  }
  const { stdout } = await millrace(['status', '--data', data])
  assert.match(stdout, /freshness: .*store p50 [\d.]+ ms, p99 [\d.]+ ms; index p50/)
})
