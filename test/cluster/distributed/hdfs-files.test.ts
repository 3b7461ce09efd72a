// Files on a real HDFS: the suite of the port, and the platform with its archive and models there.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { systemClock } from '#ports/clock'
import { createWebHdfs } from '../../../infra/hdfs/client.ts'
import { hdfsConfig } from '../../../infra/hdfs/config.ts'
import { openHdfsFiles } from '../../../infra/hdfs/files.ts'
import { filesSuite } from '../../conformance/files-suite.ts'
import { action, send } from '../../support/http-client.ts'
import { millrace, millraceJson, placeOf, startMillrace } from '../../support/millrace-process.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { clusterUrl } from '../../support/test-cluster.ts'

const root = `${clusterUrl('files')}/test-${randomUUID()}`
after(async () => {
  const config = hdfsConfig(root)
  await createWebHdfs(config, systemClock).remove(config.root)
})

filesSuite({
  name: 'HDFS',
  supports: { reopen: true },
  open: async () => {
    const url = `${root}/suite-${randomUUID()}`
    return {
      files: await openHdfsFiles(url, systemClock),
      reopen: () => openHdfsFiles(url, systemClock),
    }
  },
})

test('hdfs: import, training, answers and export with archive and models on HDFS', async (t) => {
  const folder = await temporaryFolder(t)
  const files = `${root}/platform`
  const config = join(folder, 'millrace.toml')
  await writeFile(config, `data = "${join(folder, 'data')}"\nfiles = "${files}"\n`)
  const place = placeOf(config)
  await millraceJson(['app', 'new', 'shop', ...place])
  const bought = purchases()
  const input = join(folder, 'events.jsonl')
  await writeFile(input, bought.map((event) => `${JSON.stringify(event)}\n`).join(''))
  const imported = await millrace(['import', '--app', 'shop', '--input', input, ...place])
  assert.equal(imported.code, 0, imported.stderr)
  const engine = join(folder, 'engine.json')
  await writeFile(engine, JSON.stringify(ENGINE))
  const trained = await millrace(['train', '--variant', engine, ...place])
  assert.equal(trained.code, 0, trained.stderr)

  const server = await startMillrace(config, t)
  for (const user of ['user-0', 'user-1']) {
    const { json } = await send('POST', `${server.query}/queries.json`, { user })
    const { itemScores } = json as { itemScores: { item: string }[] }
    const parities = new Set(itemScores.map(({ item }) => parity(item)))
    assert.deepEqual([...parities], [parity(user)])
  }
  const output = join(folder, 'exported')
  const exported = await millrace(['export', '--app', 'shop', '--output', output, ...place])
  assert.equal(exported.code, 0, exported.stderr)
  assert.deepEqual(await pairsIn(output), bought.map(pairOf).sort())
  assert.equal(await server.stop(), 0)

  const kept = await openHdfsFiles(files, systemClock)
  const paths = (await kept.list('')).map(({ path }) => path)
  for (const kind of ['archive/', 'ranges/', 'models/']) {
    assert.ok(
      paths.some((path) => path.startsWith(kind)),
      `${kind} is not on HDFS`,
    )
  }
})

const ENGINE = {
  id: 'shop',
  engineFactory: 'universal',
  datasource: { params: { appName: 'shop', eventNames: ['buy'] } },
  algorithms: [{ name: 'ur', params: { appName: 'shop', indicators: [{ name: 'buy' }], num: 5 } }],
}

interface Purchase {
  readonly entityId: string
  readonly targetEntityId: string
}

/** Even users buy even items, odd users odd ones. */
function purchases(): Purchase[] {
  return Array.from({ length: 600 }, (_, i) => {
    const [user, turn] = [i % 40, Math.floor(i / 40)]
    const item = 2 * ((user + turn) % 20) + (user % 2)
    return action('buy', `user-${user}`, `item-${item}`) as Purchase
  })
}

const parity = (id: string): number => Number(id.split('-')[1]) % 2

const pairOf = ({ entityId, targetEntityId }: Purchase): string => `${entityId} ${targetEntityId}`

async function pairsIn(folder: string): Promise<string[]> {
  const pairs: string[] = []
  for (const file of await readdir(folder)) {
    const lines = (await readFile(join(folder, file), 'utf8')).trim().split('\n')
    pairs.push(...lines.map((line) => pairOf(JSON.parse(line) as Purchase)))
  }
  return pairs.sort()
}
