// kill -9 while the log is written, round after round on one folder: what was acknowledged is there, in order and whole.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import { openLogs } from '../../infra/embedded/logs.ts'
import { readAll } from '../conformance/log-suite.ts'
import { recordText } from '../support/log-writer.ts'

const ROUNDS = 6

interface Acknowledged {
  readonly offset: number
  readonly writer: number
  readonly number: number
  readonly count: number
}

/** Runs a writer for `ms` after its first acknowledgement, kills it, and returns what it had acknowledged. */
async function writeAndKill(path: string, round: number, ms: number): Promise<Acknowledged[]> {
  const script = new URL('../support/log-writer.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script, path, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  const first = Promise.withResolvers<void>()
  child.stdout.on('data', (chunk) => {
    output += String(chunk)
    first.resolve()
  })
  const ended = new Promise((resolve) => child.on('close', resolve))
  await Promise.race([first.promise, ended])
  await sleep(ms)
  child.kill('SIGKILL')
  await ended
  return output
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [offset = NaN, writer = NaN, number = NaN, count = NaN] = line.split(' ').map(Number)
      return { offset, writer, number, count }
    })
}

test('log: kill -9 loses no acknowledged record and tears none', async (t) => {
  const path = await mkdtemp(join(tmpdir(), 'millrace-log-kill-'))
  t.after(() => rm(path, { recursive: true, force: true }))
  let before = 0
  let acknowledgedTotal = 0
  for (let round = 0; round < ROUNDS; round++) {
    const acknowledged = await writeAndKill(path, round, 40 + round * 50)
    const logs = await openLogs({ path, clock: systemClock, telemetry: silentTelemetry })
    const values = await readAll(logs.events, { from: before, maxBytes: 1_000_000 })
    await logs.close()
    for (const { offset, writer, number, count } of acknowledged) {
      for (let i = 0; i < count; i++) {
        assert.equal(values[offset + i - before], recordText(round, writer, number + i))
      }
    }
    // What is there beyond the acknowledged was sent, whole, once and in each writer's order.
    const next = new Map<number, number>()
    for (const value of values) {
      const [, writer = NaN, number = NaN] = value.split('/').map(Number)
      assert.equal(number, next.get(writer) ?? 0)
      assert.equal(value, recordText(round, writer, number))
      next.set(writer, number + 1)
    }
    assert.ok(acknowledged.length > 0)
    acknowledgedTotal += acknowledged.length
    before += values.length
  }
  t.diagnostic(`${acknowledgedTotal} appends acknowledged in ${ROUNDS} rounds`)
})
