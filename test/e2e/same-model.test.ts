// The same events and the same instant give the same bytes: import, train, restart, train again with the same `--as-of`.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { action } from '../support/http-client.ts'
import { millraceJson } from '../support/millrace-process.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

test('two trainings as of one instant write byte-identical artefacts', async (t) => {
  const folder = await temporaryFolder(t)
  const data = join(folder, 'data')
  const input = join(folder, 'events.jsonl')
  const engine = join(folder, 'engine.json')
  const rows = Array.from({ length: 20_000 }, (_, i) => {
    const eventTime = new Date(Date.UTC(2026, 0, 1) + i * 1000).toISOString()
    return JSON.stringify(
      action(i % 3 === 0 ? 'buy' : 'view', `u${(i * 7919) % 997}`, `i${(i * i) % 313}`, {
        eventTime,
      }),
    )
  })
  await writeFile(input, rows.join('\n'))
  await writeFile(
    engine,
    JSON.stringify({
      id: 'shop',
      engineFactory: 'universal',
      datasource: { params: { appName: 'shop', eventNames: ['buy', 'view'] } },
      algorithms: [
        {
          name: 'ur',
          params: { appName: 'shop', indicators: [{ name: 'buy' }, { name: 'view' }] },
        },
      ],
    }),
  )
  await millraceJson(['app', 'new', 'shop', '--data', data])
  await millraceJson(['import', '--app', 'shop', '--input', input, '--data', data])
  const train = ['train', '--variant', engine, '--as-of', '2026-02-01T00:00:00Z', '--data', data]
  const first = await millraceJson<{ versionId: string }>(train)
  const second = await millraceJson<{ versionId: string }>(train)
  assert.notEqual(first.versionId, second.versionId)
  const models = join(data, 'files', 'models', 'shop')
  const one = await hashes(join(models, first.versionId))
  assert.ok(one.size >= 2)
  assert.deepEqual(await hashes(join(models, second.versionId)), one)
})

/** SHA-256 by name of every file of a model but the manifest, which says when it was made. */
async function hashes(folder: string): Promise<Map<string, string>> {
  const names = (await readdir(folder)).filter((name) => name !== 'manifest.json').sort()
  const entries = names.map(async (name) => {
    const bytes = await readFile(join(folder, name))
    return [name, createHash('sha256').update(bytes).digest('hex')] as const
  })
  return new Map(await Promise.all(entries))
}
