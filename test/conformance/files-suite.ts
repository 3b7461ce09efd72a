// What every implementation of the files port must do.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { MillraceError } from '#ports/errors'
import type { Files } from '#ports/files'

export interface FilesSupports {
  /** Files are there after closing and opening again; unfinished ones are not. */
  readonly reopen: boolean
}

export interface FilesUnderTest {
  readonly files: Files
  readonly reopen?: () => Promise<Files>
}

export interface FilesFactory {
  readonly name: string
  readonly supports: FilesSupports
  readonly open: (t: TestContext) => Promise<FilesUnderTest>
}

async function put(files: Files, path: string, ...chunks: string[]): Promise<boolean> {
  const writer = await files.create(path)
  for (const chunk of chunks) await writer.write(Buffer.from(chunk))
  return writer.commit()
}

const text = async (content: Promise<Uint8Array>): Promise<string> =>
  Buffer.from(await content).toString()

const code =
  (wanted: string) =>
  (error: unknown): boolean =>
    error instanceof MillraceError && error.code === wanted

export function filesSuite(factory: FilesFactory): void {
  const it = (
    name: string,
    run: (files: Files, subject: FilesUnderTest) => Promise<void>,
  ): void => {
    test(`files (${factory.name}): ${name}`, async (t) => {
      const subject = await factory.open(t)
      await run(subject.files, subject)
    })
  }

  it('reads what was written, whole and in parts', async (files) => {
    assert.equal(await put(files, 'a/b/c', 'hello ', '', 'world'), true)
    assert.equal(await text(files.read('a/b/c')), 'hello world')
    assert.equal(await text(files.read('a/b/c', 6)), 'world')
    assert.equal(await text(files.read('a/b/c', 2, 4)), 'll')
    assert.equal(await text(files.read('a/b/c', 6, 1000)), 'world')
    assert.equal(await text(files.read('a/b/c', 50)), '')
    assert.deepEqual(await files.stat('a/b/c'), { path: 'a/b/c', bytes: 11 })
  })

  it('names a file for other programs', async (files) => {
    assert.match(files.uriOf('a/b=1/c'), /^[a-z]+:\/\/[^ ]*\/a\/b=1\/c$/)
    assert.throws(() => files.uriOf('../a'), code('FILE_PATH_INVALID'))
  })

  it('keeps an empty file', async (files) => {
    assert.equal(await put(files, 'empty'), true)
    assert.equal((await files.read('empty')).length, 0)
    assert.deepEqual(await files.stat('empty'), { path: 'empty', bytes: 0 })
  })

  it('shows a file only when it is committed', async (files) => {
    const writer = await files.create('a')
    await writer.write(Buffer.alloc(300_000, 'x'))
    assert.equal(writer.bytes, 300_000)
    assert.equal(await files.stat('a'), null)
    assert.deepEqual(await files.list(''), [])
    await assert.rejects(files.read('a'), code('FILE_NOT_FOUND'))
    assert.equal(await writer.commit(), true)
    assert.equal((await files.read('a')).length, 300_000)
  })

  it('never replaces a file: who comes second is told', async (files) => {
    const [one, two] = [await files.create('x/y'), await files.create('x/y')]
    await one.write(Buffer.from('one'))
    await two.write(Buffer.from('two'))
    const results = await Promise.all([one.commit(), two.commit()])
    assert.deepEqual([...results].sort(), [false, true])
    assert.equal(await text(files.read('x/y')), results[0] ? 'one' : 'two')
    assert.equal(await put(files, 'x/y', 'three'), false)
    assert.deepEqual(await files.list('x'), [{ path: 'x/y', bytes: 3 }])
  })

  it('forgets what was aborted', async (files) => {
    const writer = await files.create('a')
    await writer.write(Buffer.from('x'))
    await writer.abort()
    await writer.abort()
    assert.equal(await files.stat('a'), null)
    await assert.rejects(writer.write(Buffer.from('y')))
    await assert.rejects(writer.commit())
  })

  it('lists by folder, at any depth, in order', async (files) => {
    for (const path of ['r/2/b', 'r/10', 'r/2/a', 'rr/x', 'q', 'r/2-x']) await put(files, path, '1')
    const paths = async (folder: string): Promise<string[]> =>
      (await files.list(folder)).map(({ path }) => path)
    assert.deepEqual(await paths('r'), ['r/10', 'r/2-x', 'r/2/a', 'r/2/b'])
    assert.deepEqual(await paths('r/2'), ['r/2/a', 'r/2/b'])
    assert.deepEqual(await paths(''), ['q', 'r/10', 'r/2-x', 'r/2/a', 'r/2/b', 'rr/x'])
    assert.deepEqual(await paths('nothing'), [])
    assert.deepEqual(await paths('q'), [])
  })

  it('removes files and folders, and does not mind when there is none', async (files) => {
    for (const path of ['r/2/b', 'r/10', 'rr']) await put(files, path, '1')
    await files.remove('r/2/b')
    assert.equal(await files.stat('r/2/b'), null)
    assert.equal(await put(files, 'r/2/b', 'again'), true)
    await files.remove('r')
    await files.remove('r')
    await files.remove('none/at/all')
    assert.deepEqual(await files.list(''), [{ path: 'rr', bytes: 1 }])
  })

  it('says what is not there', async (files) => {
    await put(files, 'folder/file', 'x')
    assert.equal(await files.stat('folder'), null)
    assert.equal(await files.stat('folder/other'), null)
    assert.equal(await files.stat('folder/file/below'), null)
    await assert.rejects(files.read('folder/other'), code('FILE_NOT_FOUND'))
  })

  it('refuses paths that lead elsewhere', async (files) => {
    const wrong = ['', '/a', 'a/', 'a//b', '..', 'a/../b', './a', '.tmp/x', 'a\\b', 'a\nb', 'a\0']
    for (const path of [...wrong, 'x'.repeat(300), 'x/'.repeat(600)]) {
      await assert.rejects(files.create(path), code('FILE_PATH_INVALID'))
      await assert.rejects(files.read(path), code('FILE_PATH_INVALID'))
      await assert.rejects(files.stat(path), code('FILE_PATH_INVALID'))
      await assert.rejects(files.remove(path), code('FILE_PATH_INVALID'))
    }
  })

  it('is well', async (files) => {
    assert.notEqual((await files.health()).status, 'failed')
    await files.close()
    await files.close()
  })

  if (factory.supports.reopen) {
    it('has what was committed after it was opened again', async (files, { reopen }) => {
      assert.ok(reopen)
      await put(files, 'a/b', 'kept')
      const unfinished = await files.create('a/c')
      await unfinished.write(Buffer.from('lost'))
      await files.close()
      const again = await reopen()
      assert.deepEqual(await again.list(''), [{ path: 'a/b', bytes: 4 }])
      await unfinished.abort()
    })
  }
}
