import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { MillraceError } from '#ports/errors'
import { claimDataFolder, isEmptyFolder, readAddresses } from '../../infra/embedded/data-folder.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const addresses = {
  pid: process.pid,
  token: 'secret',
  event: 'http://127.0.0.1:1',
  query: 'http://127.0.0.1:2',
  console: 'http://127.0.0.1:3',
}

const refused = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MillraceError)
  assert.equal(error.code, code)
  assert.match(error.message, message)
  return true
}

test('data folder: is made, claimed, freed and claimed again', async (t) => {
  const folder = join(await temporaryFolder(t), 'a', 'b')
  assert.equal(await isEmptyFolder(folder), true)
  const first = await claimDataFolder(folder)
  assert.equal(await isEmptyFolder(folder), false)
  assert.deepEqual(JSON.parse(await readFile(join(folder, 'millrace.json'), 'utf8')), {
    program: 'millrace',
    format: 2,
  })
  await first.close()
  await first.close()
  assert.deepEqual((await readdir(folder)).sort(), ['lock', 'millrace.json'])
  await (await claimDataFolder(folder)).close()
})

test('data folder: a second claim is refused at once and names the owner', async (t) => {
  const folder = await temporaryFolder(t)
  const first = await claimDataFolder(folder)
  t.after(() => first.close())
  const owner = new RegExp(`owned by the running process ${process.pid}`)
  await assert.rejects(claimDataFolder(folder), refused('DATA_FOLDER_OWNED', owner))
})

test('data folder: a folder of other files is left alone', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'thesis.txt'), 'x')
  await assert.rejects(claimDataFolder(folder), refused('DATA_FOLDER_FOREIGN', /holds files/))
  assert.deepEqual(await readdir(folder), ['thesis.txt'])
  assert.equal(await isEmptyFolder(folder), false)
})

test('data folder: what a killed first claim left is taken over', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'lock'), '')
  await writeFile(join(folder, 'lock-journal'), Buffer.alloc(512))
  await writeFile(join(folder, 'millrace.json.tmp'), '{"pro')
  await (await claimDataFolder(folder)).close()
  assert.ok((await readdir(folder)).includes('millrace.json'))
})

test('data folder: another format is refused in both directions', async (t) => {
  for (const [found, mend] of [
    [3, /newer Millrace/],
    [0, /older Millrace/],
  ] as const) {
    const folder = await temporaryFolder(t)
    const text = JSON.stringify({ program: 'millrace', format: found })
    await writeFile(join(folder, 'millrace.json'), text)
    await assert.rejects(claimDataFolder(folder), (error: MillraceError) => {
      assert.equal(error.code, 'DATA_FOLDER_VERSION')
      assert.match(error.message, new RegExp(`has format ${found}; .* knows format 2`))
      assert.match(error.hint, mend)
      return true
    })
  }
})

test('data folder: one of the format before is upgraded, also after a crash in it', async (t) => {
  const folder = await temporaryFolder(t)
  const formatFile = join(folder, 'millrace.json')
  await writeFile(formatFile, JSON.stringify({ program: 'millrace', format: 1 }))
  await writeFile(`${formatFile}.tmp`, '{"pro')
  const claimed = await claimDataFolder(folder)
  assert.equal(claimed.upgradedFrom, 1)
  assert.equal(JSON.parse(await readFile(formatFile, 'utf8')).format, 2)
  await claimed.close()
  const again = await claimDataFolder(folder)
  assert.equal(again.upgradedFrom, null)
  await again.close()
})

test('data folder: one that cannot be used says why', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'file'), '')
  const under = join(folder, 'file', 'data')
  await assert.rejects(claimDataFolder(under), refused('DATA_FOLDER_UNUSABLE', /ENOTDIR/))
  await assert.rejects(isEmptyFolder(join(folder, 'file')), refused('DATA_FOLDER_UNUSABLE', /ENOT/))
  const damaged = join(folder, 'damaged')
  await mkdir(damaged)
  await writeFile(join(damaged, 'millrace.json'), 'nonsense')
  await assert.rejects(claimDataFolder(damaged), refused('DATA_FOLDER_UNUSABLE', /is damaged/))
})

test('data folder: addresses are for the owner only and go with it', async (t) => {
  const folder = await temporaryFolder(t)
  assert.equal(await readAddresses(folder), null)
  assert.equal(await readAddresses(join(folder, 'missing')), null)
  const claimed = await claimDataFolder(folder)
  await claimed.writeAddresses(addresses)
  assert.deepEqual(await readAddresses(folder), addresses)
  assert.equal((await stat(join(folder, 'addresses.json'))).mode & 0o777, 0o600)
  await claimed.close()
  assert.equal(await readAddresses(folder), null)
})
