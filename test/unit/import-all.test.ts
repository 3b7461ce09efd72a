// Loads every source file, so that coverage counts also what no test uses, and so that none fails when it is loaded.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { ROOT, sourceFiles } from '../support/source-tree.ts'

/** Entries of processes and threads begin their work when they are loaded. */
const ENTRY = /(?:^infra\/cli\/main|-worker)\.ts$/

it('every source file can be loaded', async () => {
  const paths = sourceFiles()
    .map(({ path }) => path)
    .filter((path) => !path.startsWith('test/') && !ENTRY.test(path))
  let loaded = 0
  for (const path of paths) {
    try {
      await import(pathToFileURL(join(ROOT, path)).href)
      loaded++
    } catch (error) {
      throw new Error(`${path} cannot be loaded`, { cause: error })
    }
  }
  assert.equal(loaded, paths.length)
})
