// Records that were refused for good: listed, looked at, mended and sent again, over a real platform and by the command.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { silentTelemetry } from '#ports/telemetry'
import type { Json, JsonObject } from '#schemas/json'
import { runOperation } from '../../infra/wiring/operations/run.ts'
import { openPlatform, type Platform } from '../../infra/wiring/platform.ts'
import { createIntake } from '../../ingest/intake.ts'
import { createEventServer } from '../../ingest/server.ts'
import { action, eventUrls, send } from '../support/http-client.ts'
import { millrace, millraceJson, startMillrace } from '../support/millrace-process.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/until.ts'

interface Row {
  readonly offset: number
  readonly reason: string
  readonly app: string | null
  readonly resent: { readonly eventId: string } | null
}

interface Listed {
  readonly counts: Readonly<Record<string, { letters: number; resent: number }>>
  readonly letters: readonly Row[]
}

async function given(t: TestContext) {
  const data = join(await temporaryFolder(t), 'data')
  const platform = await openPlatform({ data, telemetry: silentTelemetry })
  t.after(() => platform.close())
  const events = createEventServer({ ...platform, intake: createIntake(platform) })
  t.after(() => events.close())
  const run = <T>(name: string, args: JsonObject): Promise<T> => {
    const signal = new AbortController().signal
    const context = { signal, progress: () => {}, note: () => {} }
    return runOperation(platform, name, args, context) as Promise<Json> as Promise<T>
  }
  const { accessKey } = await run<{ accessKey: string }>('app.new', { name: 'shop' })
  const url = `/events.json?accessKey=${accessKey}`
  const post = async (body: object): Promise<void> => {
    const reply = await events.inject({ method: 'POST', url, payload: body })
    assert.equal(reply.statusCode, 201, reply.body)
  }
  return { platform, run, post, letters: () => run<Listed>('dead-letters.list', {}) }
}

async function eventById(platform: Platform, id: string): Promise<string | null> {
  await until(async () => {
    const end = await platform.log.end(0)
    return (platform.watermarks.applied('store').offsets[0] ?? 0) >= end
  })
  platform.store.refresh()
  return (await platform.store.get(1, 0, id))?.targetEntityId ?? null
}

test('an id used twice: shown beside the stored event, sent again under a new id, once', async (t) => {
  const { platform, run, post, letters } = await given(t)
  await post(action('view', 'u1', 'i1', { eventId: 'one', properties: { price: 5 } }))
  await post(action('view', 'u1', 'i2', { eventId: 'one' }))
  await until(async () => (await letters()).letters.length === 1)
  const { letters: rows, counts } = await letters()
  assert.deepEqual(counts, { EVENT_ID_REUSED: { letters: 1, resent: 0 } })
  assert.deepEqual(
    [rows[0]?.reason, rows[0]?.app, rows[0]?.resent],
    ['EVENT_ID_REUSED', 'shop', null],
  )

  const view = await run<{ event: string; stored: string; differences: { field: string }[] }>(
    'dead-letters.show',
    { offset: 0 },
  )
  assert.equal(JSON.parse(view.event).targetEntityId, 'i2')
  assert.equal(JSON.parse(view.stored).targetEntityId, 'i1')
  const fields = view.differences.map(({ field }) => field)
  assert.deepEqual(fields.slice(0, 2), ['targetEntityId', 'properties'])

  await assert.rejects(run('dead-letters.resend', { offset: 0, event: view.event }), {
    code: 'EVENT_ID_REUSED',
  })
  const sent = await run<{ eventId: string; position: string }>('dead-letters.resend', {
    offset: 0,
  })
  assert.match(sent.eventId, /^[0-9a-f]{32}$/)
  assert.match(sent.position, /^0\/0\/\d+$/)
  assert.equal(await eventById(platform, sent.eventId), 'i2')
  assert.equal(await eventById(platform, 'one'), 'i1')

  const after = await letters()
  assert.deepEqual(after.counts, { EVENT_ID_REUSED: { letters: 1, resent: 1 } })
  assert.equal(after.letters.length, 1)
  assert.equal(after.letters[0]?.resent?.eventId, sent.eventId)
  await assert.rejects(run('dead-letters.resend', { offset: 0 }), { code: 'DEAD_LETTER_RESENT' })
  const again = await run<{ eventId: string }>('dead-letters.resend', { offset: 0, again: true })
  assert.notEqual(again.eventId, sent.eventId)
  assert.equal(await eventById(platform, again.eventId), 'i2')
})

test('a record that cannot be read: what it is, and an event in its place', async (t) => {
  const { platform, run, letters } = await given(t)
  const alien = Buffer.alloc(9)
  alien.writeInt32BE(77, 1)
  await platform.log.append(0, [alien])
  await until(async () => (await letters()).letters.length > 0)
  const row = (await letters()).letters.at(-1)
  assert.deepEqual([row?.reason, row?.app], ['RECORD_UNREADABLE', null])
  const offset = row?.offset ?? -1
  const view = await run<{ unreadable: string; schemaId: number }>('dead-letters.show', { offset })
  assert.equal(view.schemaId, 77)
  assert.match(view.unreadable, /unknown schema id 77/)
  const event = JSON.stringify(action('view', 'u9', 'i9', { eventId: 'mine' }))
  for (const [args, code] of [
    [{ offset }, 'DEAD_LETTER_NO_EVENT'],
    [{ offset, event }, 'DEAD_LETTER_NO_EVENT'],
    [{ offset, event, app: 'nobody' }, 'APP_NOT_FOUND'],
    [{ offset, event: '{"event":"view"}', app: 'shop' }, 'EVENT_INVALID'],
    [{ offset, event: '{"event" "view"}}', app: 'shop' }, 'BODY_INVALID'],
    [{ offset: 1000 }, 'DEAD_LETTER_NOT_FOUND'],
    [{ offset: -1 }, 'PARAMETER_INVALID'],
  ] as const) {
    await assert.rejects(run('dead-letters.resend', args), { code })
  }
  await assert.rejects(run('dead-letters.list', { limit: 1001 }), { code: 'PARAMETER_INVALID' })
  const sent = await run<{ eventId: string }>('dead-letters.resend', { offset, event, app: 'shop' })
  assert.equal(sent.eventId, 'mine')
  assert.equal(await eventById(platform, 'mine'), 'i9')
})

test('the command, with the platform running and without', async (t) => {
  const folder = await temporaryFolder(t)
  const data = join(folder, 'data')
  const server = await startMillrace(data, t)
  const { accessKey } = await millraceJson<{ accessKey: string }>([
    ...['app', 'new', 'shop', '--data', data],
  ])
  const { events } = eventUrls(server.event, accessKey)
  for (const item of ['i1', 'i2']) {
    const reply = await send('POST', events, action('view', 'u1', item, { eventId: 'one' }))
    assert.equal(reply.status, 201)
  }
  const list = ['dead-letters', 'list', '--data', data]
  await until(async () => (await millraceJson<Listed>(list)).letters.length === 1)
  await server.stop()
  const shown = await millrace(['dead-letters', 'show', '0', '--data', data])
  assert.equal(shown.code, 0, shown.stderr)
  assert.match(
    shown.stdout,
    /EVENT_ID_REUSED.*Event: .*"i2".*Stored: .*"i1".*Differs: targetEntityId/s,
  )
  const mended = join(folder, 'mended.json')
  await writeFile(mended, JSON.stringify(action('view', 'u1', 'i3')))
  const resend = ['dead-letters', 'resend', '0', '--file', mended, '--data', data]
  const { eventId } = await millraceJson<{ eventId: string }>(resend)
  const second = await millrace(resend)
  assert.equal(second.code, 1)
  assert.match(second.stderr, /DEAD_LETTER_RESENT/)
  const table = await millrace(list)
  assert.match(table.stdout, new RegExp(`0 .*EVENT_ID_REUSED .*shop +as ${eventId}`))
  assert.match(table.stderr, /EVENT_ID_REUSED: 1, of which 1 sent again/)
})
