// The quickstart as a newcomer runs it, and its refusal of a folder that holds anything.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { millrace } from '../support/millrace-process.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const PORTS = ['--event-port', '0', '--query-port', '0', '--console-port', '0']

test('quickstart --exit --json goes from nothing to personal recommendations', async (t) => {
  const data = join(await temporaryFolder(t), 'data')
  const { code, stdout, stderr } = await millrace([
    'quickstart',
    '--exit',
    '--json',
    '--data',
    data,
    ...PORTS,
  ])
  assert.equal(code, 0, stderr)
  const summary = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, number>
  assert.deepEqual(Object.keys(summary), [
    'events',
    'ingestPerSecond',
    'trainSeconds',
    'firstRecommendationSeconds',
    'eventToEffectMs',
    'queryP50Ms',
    'queryP99Ms',
  ])
  assert.equal(summary.events, 110_506)
  for (const [name, value] of Object.entries(summary)) assert.ok(value > 0, name)
  assert.ok((summary.firstRecommendationSeconds ?? Infinity) < 60)
  assert.match(stderr, /stands first because this user rated/)
  assert.match(stderr, /The Lord of the Rings/)
})

test('quickstart refuses a data folder that holds anything', async (t) => {
  const data = await temporaryFolder(t)
  await writeFile(join(data, 'notes.txt'), 'mine')
  const { code, stderr } = await millrace(['quickstart', '--exit', '--data', data, ...PORTS])
  assert.equal(code, 1)
  assert.match(stderr, /DATA_FOLDER_NOT_EMPTY/)
})
