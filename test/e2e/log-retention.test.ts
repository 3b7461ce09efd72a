// A log that was trimmed behind the archive: a store that a stop of the machine has torn is made from the archive, and a replay
// reads it too.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import { openLogs } from '../../infra/embedded/logs.ts'
import { operate } from '../bench/admin.ts'
import { action, eventUrls, send } from '../support/http-client.ts'
import { millraceJson, startMillrace } from '../support/millrace-process.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const EVENTS = 200

test('with a trimmed log a torn store is made from the archive', async (t) => {
  const data = join(await temporaryFolder(t), 'data')
  const server = await startMillrace(data, t)
  const { accessKey } = await millraceJson<{ accessKey: string }>([
    ...['app', 'new', 'shop', '--data', data],
  ])
  const shop = eventUrls(server.event, accessKey)
  const sell = (from: number) =>
    send(
      'POST',
      shop.batch,
      Array.from({ length: 50 }, (_, n) => action('buy', `u${n % 9}`, `i${from + n}`)),
    )
  for (let from = 0; from < EVENTS - 50; from += 50) assert.equal((await sell(from)).status, 200)
  await operate(data, 'sync')
  assert.equal((await sell(EVENTS - 50)).status, 200)
  assert.equal(await server.stop(), 0)

  const logs = await openLogs({
    path: join(data, 'log'),
    clock: systemClock,
    telemetry: silentTelemetry,
  })
  await logs.events.trim(0, EVENTS - 50)
  assert.ok((await logs.events.start(0)) >= 100)
  await logs.close()
  // As a machine leaves it that stopped before a flush.
  await writeFile(join(data, 'store', 'unflushed'), 'another boot')

  const again = await startMillrace(data, t)
  const found = await send('GET', `${eventUrls(again.event, accessKey).events}&limit=-1`)
  assert.equal((found.json as unknown[]).length, EVENTS)
  const { differences, records } = await millraceJson<{
    differences: { total: number }
    records: { fromArchive: number; fromLog: number }
  }>(['replay', '--data', data])
  assert.equal(differences.total, 0)
  assert.deepEqual(records, { fromArchive: EVENTS - 50, fromLog: 50 })
})
