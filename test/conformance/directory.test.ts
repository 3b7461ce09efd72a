import assert from 'node:assert/strict'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '#ports/clock'
import type { Directory } from '#ports/directory'
import { MillraceError } from '#ports/errors'
import { silentTelemetry } from '#ports/telemetry'
import { createIdSource } from '#schemas/ids'
import { openDirectory } from '../../infra/embedded/directory.ts'
import { type EmbeddedLogs, openLogs } from '../../infra/embedded/logs.ts'
import { createManualClock } from '../support/memory/clock.ts'
import { createMemoryDirectory } from '../support/memory/directory.ts'
import { createMemoryLog } from '../support/memory/log.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { appCreated, directorySuite } from './directory-suite.ts'

const common = { clock: systemClock, telemetry: silentTelemetry, ids: createIdSource() }

directorySuite({
  name: 'embedded',
  supports: { several: true, reopen: true },
  open: async (t) => {
    const folder = await temporaryFolder(t)
    const secretFile = join(folder, 'secret')
    const path = join(folder, 'log')
    let logs: EmbeddedLogs
    let opened: Directory[] = []
    const open = async (): Promise<Directory> => {
      const directory = await openDirectory({ control: logs.control, secretFile, ...common })
      opened.push(directory)
      return directory
    }
    const close = async (): Promise<void> => {
      for (const directory of opened) await directory.close()
      opened = []
      await logs.close()
    }
    logs = await openLogs({ path, ...common })
    t.after(close)
    const reopen = async (): Promise<Directory> => {
      await close()
      logs = await openLogs({ path, ...common })
      return open()
    }
    return { directory: await open(), another: open, reopen }
  },
})

directorySuite({
  name: 'memory',
  supports: { several: false, reopen: false },
  open: async () => ({ directory: createMemoryDirectory({ clock: createManualClock() }) }),
})

test('directory (embedded): the secret is for the owner only, and a key sealed with another is not shown', async (t) => {
  const folder = await temporaryFolder(t)
  const secretFile = join(folder, 'secret')
  const control = createMemoryLog()
  const first = await openDirectory({ control, secretFile, ...common })
  assert.equal((await stat(secretFile)).mode & 0o777, 0o600)
  const { hash, sealed } = first.sealKey('abc')
  assert.ok(sealed && !Buffer.from(sealed, 'base64').includes('abc'))
  const key = { hash, sealed, appId: 1, events: [], revision: 1 }
  assert.equal(first.keyText(key), 'abc')
  assert.equal(first.keyText({ ...key, hash: first.sealKey('abd').hash }), null)
  assert.notEqual(first.sealKey('abc').sealed, sealed)
  const changes = [...appCreated(1, 'shop').changes, { type: 'key-created' as const, key }]
  assert.deepEqual(await first.write({ expects: {}, changes }), { accepted: true })
  assert.equal((await first.health()).hint, undefined)
  await first.close()
  await writeFile(secretFile, (await readFile(secretFile, 'utf8')).replace(/./g, 'a'))
  const second = await openDirectory({ control, secretFile, hashedKeys: true, ...common })
  t.after(() => second.close())
  assert.equal(second.keyText(key), null)
  const { status, hint } = await second.health()
  assert.equal(status, 'ok')
  assert.match(
    hint ?? '',
    /^1 access key\(s\) work but cannot be listed here.*Copy the file secret/,
  )
  assert.deepEqual(second.sealKey('abc'), { hash, sealed: null })
  await writeFile(secretFile, 'short')
  await assert.rejects(openDirectory({ control, secretFile, ...common }), /FILE_UNREADABLE|secret/)
})

test('directory (embedded): a failed append is the writer’s error, and the next one counts', async (t) => {
  const secretFile = join(await temporaryFolder(t), 'secret')
  const control = createMemoryLog()
  const directory = await openDirectory({ control, secretFile, ...common })
  t.after(() => directory.close())
  control.full = true
  await assert.rejects(directory.write(appCreated(1, 'shop')), (error: unknown) => {
    return error instanceof MillraceError && error.code === 'LOG_FULL'
  })
  assert.equal(directory.state.apps.size, 0)
  control.full = false
  assert.deepEqual(await directory.write(appCreated(1, 'shop')), { accepted: true })
})
