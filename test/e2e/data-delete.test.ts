// What is shown when the data of an app are deleted: nothing that was deleted, not after a restart and not after a rollback;
// what is told again is shown again. An item with an empty `$set` is none until something is known of it.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { action, eventUrls, itemEvent, send } from '../support/http-client.ts'
import { millraceJson, type RunningMillrace, startMillrace } from '../support/millrace-process.ts'
import { shopEngine } from '../support/shop-engine.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const ENGINE = shopEngine()

test('items of deleted data stay away, whatever opens the model again', async (t) => {
  const folder = await temporaryFolder(t)
  const data = join(folder, 'data')
  const engineFile = join(folder, 'engine.json')
  await writeFile(engineFile, JSON.stringify(ENGINE))
  const run = <T>(...args: string[]) => millraceJson<T>([...args, '--data', data])
  const { accessKey } = await run<{ accessKey: string }>('app', 'new', 'shop')
  let server = await startMillrace(data, t)
  const restart = async (): Promise<RunningMillrace> => {
    assert.equal(await server.stop(), 0)
    server = await startMillrace(data, t)
    return server
  }
  const post = async (event: object): Promise<string> => {
    const reply = await send('POST', eventUrls(server.event, accessKey).events, event)
    assert.equal(reply.status, 201)
    return reply.headers.get('millrace-position') ?? ''
  }
  const shown = async (position = ''): Promise<string[]> => {
    const headers: Record<string, string> = position === '' ? {} : { 'millrace-position': position }
    const reply = await send('POST', `${server.query}/queries.json`, { num: 100 }, headers)
    assert.equal(reply.status, 200, reply.text)
    return (reply.json as { itemScores: { item: string }[] }).itemScores.map((s) => s.item).sort()
  }

  for (const user of ['u1', 'u2'])
    for (const item of ['a', 'b']) await post(action('buy', user, item))
  await run('train', '--variant', engineFile)
  await post(action('buy', 'u3', 'c'))
  const second = await run<{ versionId: string }>('train', '--variant', engineFile)
  assert.deepEqual(await shown(await post(itemEvent('$set', 'bare', {}))), ['a', 'b', 'c'])
  await restart()
  assert.deepEqual(await shown(), ['a', 'b', 'c'])
  const described = await post(itemEvent('$set', 'bare', { color: 'red' }))
  assert.deepEqual(await shown(described), ['a', 'b', 'bare', 'c'])

  await run('app', 'data-delete', 'shop', '--force')
  assert.deepEqual(await shown(await post(itemEvent('$set', 'new', { color: 'red' }))), ['new'])
  assert.deepEqual(await shown(await post(action('buy', 'u1', 'a'))), ['a', 'new'])
  await restart()
  assert.deepEqual(await shown(), ['a', 'new'])
  await run('model', 'rollback', 'shop')
  assert.deepEqual(await shown(), ['a', 'new'])
  await run('train', '--variant', engineFile)
  assert.deepEqual(await shown(), ['a', 'new'])
  // The second version is in files only by now.
  await restart()
  await run('model', 'rollback', 'shop', '--version-id', second.versionId)
  assert.deepEqual(await shown(), ['a', 'new'])
  assert.equal(await server.stop(), 0)
})
