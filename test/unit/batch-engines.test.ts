// Which batch engine trains an engine, and what it cannot see.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import { createIdSource } from '#schemas/ids'
import { assertSeesFiles, openBatchEngines } from '../../infra/wiring/batch-engines.ts'
import { EMBEDDED_PORTS } from '../../infra/wiring/port-urls.ts'
import { freePort } from '../support/free-port.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const surroundings = async (t: { after(end: () => Promise<void>): void }) => ({
  data: await temporaryFolder(t),
  prefix: 'test',
  clock: systemClock,
  telemetry: silentTelemetry,
  ids: createIdSource(),
})

test('an engine is trained where it says, the others where the port says', async (t) => {
  const spark = `sc://127.0.0.1:${await freePort()}`
  const own = new Map([['large', spark]])
  const batch = await openBatchEngines(EMBEDDED_PORTS, own, await surroundings(t))
  t.after(() => batch.close())
  const small = batch.placeOf('small')
  assert.equal(small.name, 'this process')
  assert.ok((small.memoryBytes ?? 0) > 2 ** 20)
  assert.deepEqual(batch.placeOf('large'), { name: 'Spark', memoryBytes: null })
  const health = await batch.health()
  assert.equal(health.status, 'failed')
  assert.match(health.detail, /cannot be reached/)
})

test('Spark on another machine cannot see a data folder', () => {
  const seen = [
    ['sc://spark:15002', 'hdfs://name:9870/millrace'],
    ['sc://spark:15002', 'file:///srv/shared'],
    ['sc://127.0.0.1:15002', 'file:'],
    ['sc://localhost', 'file:'],
    ['worker:', 'file:'],
  ] as const
  for (const [batch, files] of seen) assertSeesFiles(batch, files)
  for (const batch of [
    'sc://spark:15002',
    'sc://localhost.example.org',
    'sc://127.example.org:1',
  ]) {
    assert.throws(() => assertSeesFiles(batch, 'file:'), { code: 'CONFIG_INVALID' }, batch)
  }
})
