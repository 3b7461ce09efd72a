// Harness' HTTP face over a real process: an engine made, fed, trained, asked and changed by its calls alone, with its bodies
// and statuses.
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { action, eventUrls, type HttpReply, itemEvent, send } from '../support/http-client.ts'
import { millraceJson, type RunningMillrace, startMillrace } from '../support/millrace-process.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/until.ts'

interface Job {
  readonly jobId: string
  readonly status: string
  readonly comment: string
  readonly completedAt: string | null
}

/** As Harness' own examples are. */
const CONFIG = {
  engineId: 'My_Shop',
  engineFactory: 'com.actionml.engines.ur.UREngine',
  mirrorType: 'localfs',
  mirrorContainer: 'mirrors',
  sparkConf: { master: 'local', 'es.index.auto.create': 'true' },
  algorithm: { indicators: [{ name: 'buy' }, { name: 'view' }], num: 4 },
}

/** Two tastes: even users buy even items, odd ones odd items. */
const EVENTS = Array.from({ length: 40 }, (_, n) =>
  action('buy', `u${n % 8}`, `i${2 * Math.floor(n / 8) + (n % 2)}`, {
    eventTime: '2025-03-01T10:00:00.000Z',
  }),
)

interface Given {
  readonly server: RunningMillrace
  readonly data: string
  readonly folder: string
  call(method: string, path: string, body?: unknown): Promise<HttpReply>
  /** Waits for a job and returns it as it ended. */
  ended(jobId: string): Promise<Job>
}

async function given(t: TestContext): Promise<Given> {
  const folder = await temporaryFolder(t)
  const data = join(folder, 'data')
  const config = join(folder, 'millrace.toml')
  await writeFile(config, '[serving]\nharness = true\n')
  const server = await startMillrace(data, t, { args: ['--config', config] })
  const call = (method: string, path: string, body?: unknown): Promise<HttpReply> =>
    send(method, `${server.query}${path}`, body)
  return {
    server,
    data,
    folder,
    call,
    async ended(jobId) {
      let job: Job | undefined
      await until(async () => {
        const { json } = await call('GET', '/engines/My_Shop')
        const { jobStatuses } = json as { jobStatuses: Job[] }
        job = jobStatuses.find((one) => one.jobId === jobId && one.completedAt !== null)
        return job !== undefined
      })
      return job as Job
    },
  }
}

async function trained(its: Given): Promise<void> {
  const created = await its.call('POST', '/engines', CONFIG)
  assert.deepEqual([created.status, created.json], [201, { comment: 'EngineId: My_Shop created' }])
  for (const event of EVENTS) {
    const reply = await its.call('POST', '/engines/My_Shop/events', event)
    assert.deepEqual([reply.status, reply.json], [201, { comment: 'UR input processed' }])
    assert.match(reply.headers.get('millrace-position') ?? '', /^\d+\/\d+\/\d+$/)
  }
  const started = await its.call('POST', '/engines/My_Shop/jobs')
  assert.equal(started.status, 200)
  const { jobId, status } = started.json as Job
  assert.ok(['queued', 'executing'].includes(status), status)
  assert.equal((await its.ended(jobId)).status, 'successful')
}

const idsOf = (reply: HttpReply): string[] =>
  (reply.json as { result: { item: string }[] }).result.map(({ item }) => item)

test('an engine made, fed, trained and asked; a user shown and erased', async (t) => {
  const its = await given(t)
  await trained(its)

  const again = await its.call('POST', '/engines', CONFIG)
  assert.equal(again.status, 400)
  assert.match(again.text, /^\{"comment":"Engine my-shop already exists, use update\./)

  const fresh = await its.call('PUT', '/engines/My_Shop/events', action('buy', 'new', 'i0'))
  assert.equal(fresh.status, 201)
  const position = fresh.headers.get('millrace-position') ?? ''
  const url = `${its.server.query}/engines/my-shop/queries`
  const answer = await send('POST', url, { user: 'new' }, { 'millrace-position': position })
  assert.equal(answer.status, 200)
  assert.deepEqual(Object.keys(answer.json as object), ['result'])
  assert.deepEqual(idsOf(answer).toSorted(), ['i2', 'i4', 'i6', 'i8'])

  const shown = await its.call('GET', '/engines/My_Shop/entities/u3?num=2&from=1')
  assert.equal(shown.status, 200)
  const events = shown.json as { entityId: string }[]
  assert.deepEqual(
    events.map(({ entityId }) => entityId),
    ['u3', 'u3'],
  )
  const erased = await its.call('DELETE', '/engines/My_Shop/entities/u3')
  assert.deepEqual(
    [erased.status, erased.json],
    [200, { comment: 'Delete data for user u3 in engine My_Shop: 5 events' }],
  )
  assert.deepEqual((await its.call('GET', '/engines/My_Shop/entities/u3')).json, [])
  assert.equal(((await its.call('GET', '/engines/My_Shop/entities/u5')).json as []).length, 5)
})

test('events that break a rule, bodies that are none, engines that are not there', async (t) => {
  const its = await given(t)
  await its.call('POST', '/engines', CONFIG)
  const cases: readonly (readonly [string, string, unknown, number, string])[] = [
    ['POST', '/engines/My_Shop/events', { event: 'buy' }, 400, 'EVENT_FIELD_MISSING'],
    ['POST', '/engines/My_Shop/events', '{"event":', 400, 'BODY_INVALID'],
    ['POST', '/engines/My_Shop/queries', { user: 'u1' }, 404, 'ENGINE_NOT_TRAINED'],
    ['POST', '/engines/My_Shop/imports', undefined, 400, 'PARAMETER_INVALID'],
    [
      'POST',
      '/engines/My_Shop/imports?import_path=/nowhere/at/all',
      undefined,
      404,
      'FILE_NOT_FOUND',
    ],
    ['DELETE', '/engines/My_Shop/jobs/none', undefined, 404, 'JOB_NOT_FOUND'],
    ['GET', '/engines/My_Shop/entities/u?num=-1', undefined, 400, 'PARAMETER_INVALID'],
    ['POST', '/engines', { ...CONFIG, engineId: 'b', kind: 1 }, 400, 'ENGINE_JSON_INVALID'],
    ['POST', '/engines', '[1]', 400, 'ENGINE_JSON_INVALID'],
    ['GET', '/engines/none', undefined, 404, 'ENGINE_NOT_FOUND'],
    ['POST', '/engines/none/events', EVENTS[0], 404, 'ENGINE_NOT_FOUND'],
    ['POST', '/engines/none/queries', {}, 404, 'ENGINE_NOT_FOUND'],
    ['GET', '/system', undefined, 501, 'HARNESS_CALL_UNSERVED'],
  ]
  for (const [method, path, body, status, code] of cases) {
    const reply = await its.call(method, path, body)
    const where = `${method} ${path}: ${reply.text}`
    assert.deepEqual([reply.status, reply.headers.get('millrace-error')], [status, code], where)
    assert.deepEqual(Object.keys(reply.json as object), ['comment'], where)
  }
})

test('imports of a file and of a folder, new parameters, and an engine removed with its data', async (t) => {
  const its = await given(t)
  await trained(its)
  const inbox = join(its.folder, 'inbox')
  await mkdir(inbox)
  const lines = (events: readonly object[]): string =>
    events.map((event) => JSON.stringify(event)).join('\n')
  await writeFile(
    join(inbox, 'a.json'),
    lines([action('buy', 'a', 'i1'), action('buy', 'a', 'i3')]),
  )
  await writeFile(join(inbox, 'b.json'), lines([itemEvent('$set', 'i1', { colour: 'red' })]))
  await writeFile(join(inbox, '.hidden'), 'no event')
  const path = encodeURIComponent(inbox)
  const started = await its.call('POST', `/engines/My_Shop/imports?import_path=${path}`)
  assert.equal(started.status, 200, started.text)
  assert.equal((await its.ended((started.json as Job).jobId)).status, 'successful')
  const count = async (user: string): Promise<number> =>
    ((await its.call('GET', `/engines/My_Shop/entities/${user}`)).json as []).length
  await until(async () => (await count('a')) === 2)

  const updated = { ...CONFIG, algorithm: { ...CONFIG.algorithm, num: 1 } }
  const configured = await its.call('POST', '/engines/My_Shop/configs', updated)
  assert.deepEqual(
    [configured.status, configured.json],
    [200, { comment: 'EngineId: My_Shop updated' }],
  )
  assert.equal(idsOf(await its.call('POST', '/engines/My_Shop/queries', { user: 'u1' })).length, 1)

  const removed = await its.call('DELETE', '/engines/My_Shop')
  assert.equal(removed.status, 200, removed.text)
  assert.deepEqual((await its.call('GET', '/engines')).json, [])
  const app = await millraceJson<{ events: Record<string, number> }>([
    ...['app', 'show', 'My_Shop', '--data', its.data],
  ])
  assert.equal(app.events['0'] ?? 0, 0, 'its data set is gone too')
})

test('without serving.harness none of it is there', async (t) => {
  const data = join(await temporaryFolder(t), 'data')
  const server = await startMillrace(data, t)
  const { accessKey } = await millraceJson<{ accessKey: string }>([
    ...['app', 'new', 'shop', '--data', data],
  ])
  const sent = await send('POST', eventUrls(server.event, accessKey).events, EVENTS[0])
  assert.equal(sent.status, 201)
  for (const [method, path] of [
    ['GET', '/engines'],
    ['POST', '/engines/My_Shop/events'],
    ['POST', '/engines/My_Shop/queries'],
    ['DELETE', '/engines/My_Shop'],
  ] as const) {
    const reply = await send(method, `${server.query}${path}`, method === 'POST' ? {} : undefined)
    assert.deepEqual([reply.status, reply.headers.get('millrace-error')], [404, 'NOT_FOUND'], path)
  }
})
