import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { openFolderFiles } from '../../infra/embedded/folder-files.ts'
import { createMemoryFiles } from '../support/memory/files.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { filesSuite } from './files-suite.ts'

filesSuite({
  name: 'folder',
  supports: { reopen: true },
  open: async (t) => {
    const root = join(await temporaryFolder(t), 'files')
    return { files: await openFolderFiles({ root }), reopen: () => openFolderFiles({ root }) }
  },
})

filesSuite({
  name: 'memory',
  supports: { reopen: false },
  open: async () => ({ files: createMemoryFiles() }),
})

test('files (folder): another program finds a file by its URI', async (t) => {
  const files = await openFolderFiles({ root: join(await temporaryFolder(t), 'with a space') })
  const writer = await files.create('a/b')
  await writer.write(Buffer.from('hello'))
  await writer.commit()
  const uri = files.uriOf('a/b')
  assert.ok(uri.startsWith('file:///'))
  assert.equal(await readFile(uri.slice('file://'.length), 'utf8'), 'hello')
})

test('files (folder): what a killed process left unfinished is removed at the next opening', async (t) => {
  const root = await temporaryFolder(t)
  await mkdir(join(root, '.tmp'))
  await writeFile(join(root, '.tmp', '1-0-1-0'), 'half')
  const files = await openFolderFiles({ root })
  const writer = await files.create('a')
  await openFolderFiles({ root })
  assert.equal((await readdir(join(root, '.tmp'))).length, 1)
  assert.equal(await writer.commit(), true)
  assert.deepEqual(await readdir(join(root, '.tmp')), [])
})
