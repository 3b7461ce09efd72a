// A log whose disk has changed bytes behind our back: the end is cut, the middle is refused, and both are said.
import assert from 'node:assert/strict'
import { stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from 'lmdb'
import { systemClock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { Telemetry } from '#ports/telemetry'
import { DURABLE_ENVIRONMENT } from '../../infra/embedded/lmdb.ts'
import { openLogs } from '../../infra/embedded/logs.ts'
import { readAll } from '../conformance/log-suite.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

type Damage = (group: Buffer) => Buffer

const flipped: Damage = (group) => {
  const copy = Buffer.from(group)
  copy[copy.length - 1] = (copy.at(-1) as number) ^ 1
  return copy
}
const shorter: Damage = (group) => Buffer.from(group.subarray(0, -1))
const zeros: Damage = (group) => Buffer.alloc(group.length)
const nothing: Damage = () => Buffer.alloc(0)

async function damage(path: string, offset: number, change: Damage): Promise<void> {
  const environment = open({ path, ...DURABLE_ENVIRONMENT })
  const table = environment.openDB<Buffer, number>('events', { encoding: 'binary' })
  const group = table.get(offset)
  assert.ok(group)
  await table.put(offset, change(group))
  await environment.close()
}

function recordingTelemetry(): { readonly telemetry: Telemetry; readonly lines: unknown[] } {
  const lines: unknown[] = []
  const log: Telemetry['log'] = (level, event, fields) => lines.push({ level, event, ...fields })
  return { lines, telemetry: { emit: () => {}, log } }
}

for (const [name, change] of Object.entries({ flipped, shorter, zeros, nothing })) {
  test(`log: a damaged last group is cut and reported (${name})`, async (t) => {
    const path = await temporaryFolder(t)
    const { telemetry, lines } = recordingTelemetry()
    const options = { path, clock: systemClock, telemetry }
    const logs = await openLogs(options)
    for (const text of ['a', 'b', 'c']) {
      await logs.events.append(0, [Buffer.from(text), Buffer.from(`${text}'`)])
    }
    await logs.close()
    await damage(path, 4, change)
    await damage(path, 2, change)
    const again = await openLogs(options)
    t.after(() => again.close())
    assert.equal(await again.events.end(0), 2)
    assert.deepEqual(
      lines.map((line) => (line as { event: string; offset: number }).offset),
      [4, 2],
    )
    assert.ok(lines.every((line) => (line as { event: string }).event === 'log-group-cut'))
    assert.equal((await again.events.append(0, [Buffer.from('d')])).offset, 2)
    assert.deepEqual(await readAll(again.events), ['a', "a'", 'd'])
  })
}

test('log: when the only group is damaged, its offset is not lost', async (t) => {
  const path = await temporaryFolder(t)
  const { telemetry } = recordingTelemetry()
  const options = { path, clock: systemClock, telemetry }
  let logs = await openLogs(options)
  for (let i = 0; i < 3; i++) await logs.events.append(0, [Buffer.from('x')])
  await logs.events.trim(0, 3)
  await logs.close()
  await damage(path, 2, flipped)
  for (let opening = 0; opening < 2; opening++) {
    logs = await openLogs(options)
    assert.deepEqual([await logs.events.start(0), await logs.events.end(0)], [2, 2])
    await logs.close()
  }
  logs = await openLogs(options)
  t.after(() => logs.close())
  assert.equal((await logs.events.append(0, [Buffer.from('y')])).offset, 2)
  assert.deepEqual(await readAll(logs.events, { from: 2 }), ['y'])
})

test('log: a damaged group in the middle is refused when it is read', async (t) => {
  const path = await temporaryFolder(t)
  const { telemetry } = recordingTelemetry()
  const options = { path, clock: systemClock, telemetry }
  const logs = await openLogs(options)
  for (const text of ['a', 'b', 'c']) await logs.events.append(0, [Buffer.from(text)])
  await logs.close()
  await damage(path, 1, flipped)
  const again = await openLogs(options)
  t.after(() => again.close())
  assert.equal(await again.events.end(0), 3)
  assert.deepEqual((await again.events.read(0, 0, 1)).records.length, 1)
  await assert.rejects(again.events.read(0, 1, 1), (error: unknown) => {
    assert.ok(error instanceof MillraceError)
    assert.equal(error.code, 'LOG_UNAVAILABLE')
    assert.match(error.message, /offset 1 is damaged/)
    return true
  })
  assert.deepEqual(await readAll(again.events, { from: 2 }), ['c'])
})

test('log: a file that lost its end does not end the process; what is whole is kept', async (t) => {
  const path = await temporaryFolder(t)
  const { telemetry, lines } = recordingTelemetry()
  const options = { path, clock: systemClock, telemetry }
  const logs = await openLogs(options)
  const text = (i: number): string => `${i}/`.padEnd(9000, 'x')
  for (let i = 0; i < 40; i++) await logs.events.append(0, [Buffer.from(text(i))])
  await logs.close()
  const file = join(path, 'data.mdb')
  await truncate(file, (await stat(file)).size - 60_000)
  const again = await openLogs(options)
  t.after(() => again.close())
  const end = await again.events.end(0)
  assert.ok(end > 20 && end < 40, `end ${end}`)
  assert.equal((lines[0] as { event: string }).event, 'log-file-short')
  assert.equal((await again.events.append(0, [Buffer.from(text(end))])).offset, end)
  const values = await readAll(again.events, { maxBytes: 100_000 })
  assert.deepEqual(
    values,
    Array.from({ length: end + 1 }, (_, i) => text(i)),
  )
})
