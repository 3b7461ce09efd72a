// A schedule outlives its process: what fell due while the platform was down is trained once when it starts.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { action, eventUrls, send } from '../support/http-client.ts'
import { millrace, millraceJson, startMillrace } from '../support/millrace-process.ts'
import { shopEngine } from '../support/shop-engine.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const ENGINE = shopEngine()

interface Shown {
  readonly schedule: string | null
  readonly nextTraining: string | null
  readonly newEvents: number | null
  readonly activeVersion: string | null
}

test('a schedule is kept over kill -9, and its missed training is made at the start', async (t) => {
  const folder = await temporaryFolder(t)
  const data = join(folder, 'data')
  const file = join(folder, 'engine.json')
  await writeFile(file, JSON.stringify(ENGINE))
  const on = (...args: string[]): string[] => [...args, '--data', data]
  const first = await startMillrace(data, t)
  const { accessKey } = await millraceJson<{ accessKey: string }>(on('app', 'new', 'shop'))
  await millraceJson(on('engine', 'add', file))
  const wrong = await millrace(on('engine', 'schedule', 'shop', '--cron', '0 0 31 2 *'))
  assert.equal(wrong.code, 1)
  assert.match(wrong.stderr, /SCHEDULE_INVALID/)
  const cron = await millraceJson<Shown>(on('engine', 'schedule', 'shop', '--cron', '0 3 * * *'))
  assert.equal(cron.schedule, 'cron 0 3 * * * (UTC)')
  assert.match(cron.nextTraining ?? '', /T03:00:00\.000Z$/)
  await millraceJson(on('engine', 'schedule', 'shop', '--after-events', '20'))
  const shop = eventUrls(first.event, accessKey)
  const events = Array.from({ length: 20 }, (_, n) => action('buy', `u${n % 5}`, `i${n % 4}`))
  assert.equal((await send('POST', shop.batch, events)).status, 200)
  const waiting = await millraceJson<Shown>(on('engine', 'show', 'shop'))
  assert.deepEqual([waiting.newEvents, waiting.activeVersion], [20, null])
  await first.kill()

  await startMillrace(data, t)
  let shown = await millraceJson<Shown>(on('engine', 'show', 'shop'))
  for (let n = 0; n < 40 && shown.activeVersion === null; n++) {
    shown = await millraceJson<Shown>(on('engine', 'show', 'shop'))
  }
  assert.equal(shown.schedule, 'after 20 events')
  assert.equal(typeof shown.activeVersion, 'string')
  assert.equal(shown.newEvents, 0)
  const versions = await millraceJson<unknown[]>(on('model', 'list', 'shop'))
  assert.equal(versions.length, 1)
})
