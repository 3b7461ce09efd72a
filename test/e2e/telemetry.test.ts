// What the console port says after real traffic.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { action, eventUrls, send } from '../support/http-client.ts'
import { millrace, millraceJson, startMillrace } from '../support/millrace-process.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/until.ts'

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
