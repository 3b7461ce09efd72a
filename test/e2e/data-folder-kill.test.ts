// The lock of a data folder is the kernel's: it holds against other processes and is free as soon as the owner is killed.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { MillraceError } from '#ports/errors'
import { claimDataFolder } from '../../infra/embedded/data-folder.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

test('data folder: kill -9 of the owner frees it', async (t) => {
  const folder = await temporaryFolder(t)
  const script = new URL('../support/folder-owner.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  await assert.rejects(claimDataFolder(folder), (error: unknown) => {
    assert.ok(error instanceof MillraceError)
    assert.equal(error.code, 'DATA_FOLDER_OWNED')
    assert.equal(error.details.pid, String(child.pid))
    return true
  })
  child.kill('SIGKILL')
  await once(child, 'close')
  await (await claimDataFolder(folder)).close()
})
