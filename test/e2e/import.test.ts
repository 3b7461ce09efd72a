// Imports: a kill in the middle costs nothing, bad lines go to a reject file, gzip is read, an export can be imported.
import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { action } from '../support/http-client.ts'
import { millrace, millraceJson } from '../support/millrace-process.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

interface AppShown {
  readonly events: Readonly<Record<string, number>>
}

const eventsOf = async (data: string, app: string): Promise<number> =>
  (await millraceJson<AppShown>(['app', 'show', app, '--data', data])).events['0'] ?? 0

test('an import that is killed goes on and doubles nothing', async (t) => {
  const folder = await temporaryFolder(t)
  const data = join(folder, 'data')
  const input = join(folder, 'events.jsonl')
  const lines = 150_000
  const rows = Array.from({ length: lines }, (_, i) =>
    JSON.stringify(
      action('view', `u${i % 5000}`, `i${i % 777}`, { eventTime: '2026-01-01T00:00:00.000Z' }),
    ),
  )
  await writeFile(input, `${rows.join('\n')}\n`)
  await millraceJson(['app', 'new', 'shop', '--data', data])
  const command = ['import', '--app', 'shop', '--input', input, '--data', data]
  let kills = 0
  for (let delay = 700; delay < 2200; delay += 500) {
    const ended = await millrace(command, {
      started: (child) => void sleep(delay).then(() => child.kill('SIGKILL')),
    })
    if (ended.code === null) kills++
    else assert.equal(ended.code, 0, ended.stderr)
  }
  assert.ok(kills > 0)
  const before = await eventsOf(data, 'shop')
  if (before < lines) {
    const { code, stderr } = await millrace(command)
    assert.equal(code, 0, stderr)
  }
  assert.equal(await eventsOf(data, 'shop'), lines)
})

test('bad lines stand in the reject file with number and reason; good lines are kept; mended rejects are imported', async (t) => {
  const folder = await temporaryFolder(t)
  const data = join(folder, 'data')
  const input = join(folder, 'events.jsonl.gz')
  const good = JSON.stringify(action('view', 'u1', 'i1'))
  const text = [
    good,
    '{"event":"view"',
    '',
    '{"event":"view","entityType":"user"}',
    good,
    '[1]',
    good,
  ].join('\n')
  await writeFile(input, gzipSync(text))
  await millraceJson(['app', 'new', 'shop', '--data', data])
  const { code, stderr } = await millrace([
    'import',
    '--app',
    'shop',
    '--input',
    input,
    '--data',
    data,
  ])
  assert.equal(code, 1)
  assert.match(stderr, /IMPORT_REFUSED_LINES/)
  assert.equal(await eventsOf(data, 'shop'), 3)
  const rejected = (await readFile(`${input}.rejected.jsonl`, 'utf8')).trim().split('\n')
  const rows = rejected.map(
    (line) => JSON.parse(line) as { line: number; code: string; text: string },
  )
  assert.deepEqual(
    rows.map((row) => row.line),
    [2, 4, 6],
  )
  for (const row of rows) assert.match(row.code, /^[A-Z_]+$/)
  const mended = join(folder, 'mended.jsonl')
  await writeFile(
    mended,
    rows.map((row) => `${JSON.stringify({ ...row, message: 'mended', text: good })}\n`).join(''),
  )
  assert.equal(
    (await millrace(['import', '--app', 'shop', '--input', mended, '--data', data])).code,
    0,
  )
  assert.equal(await eventsOf(data, 'shop'), 6)
})

test('an export can be imported into another installation', async (t) => {
  const folder = await temporaryFolder(t)
  const input = join(folder, 'events.jsonl')
  const rows = Array.from({ length: 300 }, (_, i) =>
    JSON.stringify(
      action('view', `user ${i % 7}`, `ítem-${i}`, { properties: { price: i, exact: 5.5 } }),
    ),
  )
  await writeFile(input, rows.join('\n'))
  const first = join(folder, 'first')
  const second = join(folder, 'second')
  const output = join(folder, 'exported')
  for (const data of [first, second]) await millraceJson(['app', 'new', 'shop', '--data', data])
  await millraceJson(['import', '--app', 'shop', '--input', input, '--data', first])
  await millraceJson(['export', '--app', 'shop', '--output', output, '--data', first])
  assert.deepEqual(await readdir(output), ['part-00000'])
  const part = join(output, 'part-00000')
  await millraceJson(['import', '--app', 'shop', '--input', part, '--data', second])
  await millraceJson(['import', '--app', 'shop', '--input', part, '--data', second])
  assert.equal(await eventsOf(second, 'shop'), 300)
  const again = join(folder, 'again')
  await millraceJson(['export', '--app', 'shop', '--output', again, '--data', second])
  const lines = async (path: string): Promise<string[]> =>
    (await readFile(join(path, 'part-00000'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => line.replace(/"creationTime":"[^"]+"/, ''))
  assert.deepEqual((await lines(again)).sort(), (await lines(output)).sort())
})
