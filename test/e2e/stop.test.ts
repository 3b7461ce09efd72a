// SIGTERM at bad moments: the process ends by itself and in time, nothing that was acknowledged is lost, and what was under
// way goes on after the next start. And how long the main thread stands still in the middle of it all.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { action, eventUrls, send } from '../support/http-client.ts'
import {
  millrace,
  millraceJson,
  type RunningMillrace,
  startMillrace,
} from '../support/millrace-process.ts'
import { shopEngine } from '../support/shop-engine.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/until.ts'

/** Twice the time the sinks have to apply what is left. */
const STOP_MS = 20_000
const STALL_P99_MS = 200
const STALL_MAX_MS = 1500
const STALL_METER = new URL('../support/stall-meter.ts', import.meta.url).href

const ENGINE = shopEngine(['view'])

async function given(t: TestContext, lines = 0) {
  const folder = await temporaryFolder(t)
  const data = join(folder, 'data')
  const input = join(folder, 'events.jsonl')
  const rows = Array.from({ length: lines }, (_, i) =>
    JSON.stringify(
      action('view', `u${i % 5000}`, `i${(i * 7) % 1777}`, {
        eventTime: '2026-01-01T00:00:00.000Z',
      }),
    ),
  )
  await writeFile(input, `${rows.join('\n')}\n`)
  const { accessKey } = await millraceJson<{ accessKey: string }>([
    ...['app', 'new', 'shop', '--data', data],
  ])
  return {
    folder,
    data,
    accessKey,
    importCommand: ['import', '--app', 'shop', '--input', input, '--data', data],
    events: async (): Promise<number> => {
      const shown = await millraceJson<{ events: Readonly<Record<string, number>> }>([
        ...['app', 'show', 'shop', '--data', data],
      ])
      return shown.events['0'] ?? 0
    },
  }
}

/** SIGTERM; the process ends well and in time. */
async function stopInTime(server: RunningMillrace): Promise<number> {
  const start = performance.now()
  assert.equal(await server.stop(), 0, server.stderr())
  const ms = performance.now() - start
  assert.ok(ms < STOP_MS, `it took ${ms} ms`)
  return ms
}

test('under load: what was acknowledged is stored, and nothing twice', async (t) => {
  const { data, accessKey } = await given(t)
  let server = await startMillrace(data, t)
  const acknowledged = new Set<string>()
  let stopping = false
  const sender = async (number: number): Promise<void> => {
    const { events } = eventUrls(server.event, accessKey)
    for (let i = 0; ; i++) {
      const id = `${number}-${i}`
      try {
        const reply = await send('POST', events, action('view', 'u', `i-${id}`, { eventId: id }))
        if (reply.status === 201) acknowledged.add(id)
        else assert.equal(reply.status, 503, reply.text)
      } catch (error) {
        // The port is closed; before SIGTERM it must not be.
        assert.ok(stopping, String(error))
        return
      }
    }
  }
  const senders = Array.from({ length: 8 }, (_, number) => sender(number))
  await sleep(1000)
  stopping = true
  const ms = await stopInTime(server)
  await Promise.all(senders)
  server = await startMillrace(data, t)
  const all = await send('GET', `${eventUrls(server.event, accessKey).events}&limit=-1`)
  const stored = (all.json as { eventId: string }[]).map(({ eventId }) => eventId)
  assert.equal(new Set(stored).size, stored.length)
  assert.deepEqual(
    [...acknowledged].filter((id) => !stored.includes(id)),
    [],
  )
  t.diagnostic(`${acknowledged.size} acknowledged, stopped in ${ms.toFixed(0)} ms`)
})

test('while importing: the import goes on where it was, and requests never wait long', async (t) => {
  const LINES = 100_000
  const { data, accessKey, importCommand, events } = await given(t, LINES)
  const prefix = ['env', `NODE_OPTIONS=--import=${STALL_METER}`]
  let server = await startMillrace(data, t, { prefix })
  process.kill(server.pid, 'SIGUSR2')
  const first = millrace(importCommand)
  const { events: url } = eventUrls(server.event, accessKey)
  let slowest = 0
  await until(async () => {
    const start = performance.now()
    await send('GET', `${server.console}/alive`)
    slowest = Math.max(slowest, performance.now() - start)
    return /millrace_events_accepted_total.* [1-9]\d{3,}/.test(
      (await send('GET', `${server.console}/metrics`)).text,
    )
  }, 60_000)
  assert.equal((await send('POST', url, action('view', 'u', 'i'))).status, 201)
  const ms = await stopInTime(server)
  const last = server.stderr().trim().split('\n').at(-1) ?? ''
  const { stalls } = JSON.parse(last) as { stalls: { p50: number; p99: number; max: number } }
  const cut = await first
  assert.equal(cut.code, 1)
  assert.match(cut.stderr, /JOB_INTERRUPTED/)
  server = await startMillrace(data, t)
  await until(async () => (await events()) >= LINES + 1, 60_000)
  await sleep(500)
  assert.equal(await events(), LINES + 1)
  assert.equal(await server.stop(), 0)
  t.diagnostic(
    `stopped in ${ms.toFixed(0)} ms; main thread held up p50 ${stalls.p50}, ` +
      `p99 ${stalls.p99}, at most ${stalls.max} ms; slowest request ${slowest.toFixed(0)} ms`,
  )
  assert.ok(stalls.p99 < STALL_P99_MS && stalls.max < STALL_MAX_MS, last)
})

test('while training: the engine answers from a whole model after the next start', async (t) => {
  const { folder, data, importCommand } = await given(t, 60_000)
  const engineFile = join(folder, 'engine.json')
  await writeFile(engineFile, JSON.stringify(ENGINE))
  await millraceJson(importCommand)
  let server = await startMillrace(data, t)
  const training = millrace(['train', '--variant', engineFile, '--data', data])
  await until(async () => {
    const { text } = await send('GET', `${server.console}/health`)
    return text.includes('training(s) run')
  }, 30_000)
  const ms = await stopInTime(server)
  const cut = await training
  assert.equal(cut.code, 1)
  assert.match(cut.stderr, /JOB_INTERRUPTED/)
  server = await startMillrace(data, t)
  const versions = async (): Promise<{ status: string }[]> =>
    millraceJson(['model', 'list', '--data', data])
  await until(async () => (await versions()).some(({ status }) => status === 'active'), 60_000)
  const reply = await send('POST', `${server.query}/queries.json`, { item: 'i7', num: 5 })
  assert.equal(reply.status, 200, reply.text)
  assert.equal((reply.json as { itemScores: unknown[] }).itemScores.length, 5)
  assert.equal(await server.stop(), 0)
  t.diagnostic(`stopped in ${ms.toFixed(0)} ms`)
})
