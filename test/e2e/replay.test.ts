// `millrace replay` on real processes: nothing differs while events arrive, what is planted in the store is found and named,
// and whatever is killed in between, one whole version is there afterwards.
import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openTables } from '../../infra/embedded/event-store/environment.ts'
import { action, eventUrls, itemEvent, type Shop, send } from '../support/http-client.ts'
import {
  millrace,
  millraceJson,
  type RunningMillrace,
  startMillrace,
} from '../support/millrace-process.ts'
import { shopEngine } from '../support/shop-engine.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/until.ts'

const ENGINE = shopEngine()
const BATCH = 50

interface Report {
  readonly version: string
  readonly switched: boolean
  readonly events: number
  readonly records: { readonly fromArchive: number; readonly fromLog: number }
  readonly index: {
    readonly items?: number
    readonly unsettled?: number
    readonly skipped?: string
  }
  readonly differences: {
    readonly total: number
    readonly kinds: readonly {
      readonly kind: string
      readonly count: number
      readonly examples: object[]
    }[]
  }
}

interface World {
  readonly data: string
  readonly server: RunningMillrace
  readonly shop: Shop
  /** Sends so many batches of events, deletions and properties among them; resolves with the ids of those that live. */
  readonly sell: (batches: number) => Promise<string[]>
  readonly replay: (...flags: string[]) => Promise<Report>
}

async function world(t: TestContext): Promise<World> {
  const folder = await temporaryFolder(t)
  const data = join(folder, 'data')
  const server = await startMillrace(data, t)
  const { accessKey } = await millraceJson<{ accessKey: string }>([
    ...['app', 'new', 'shop', '--data', data],
  ])
  const variant = join(folder, 'engine.json')
  await writeFile(variant, JSON.stringify(ENGINE))
  await millraceJson(['engine', 'add', variant, '--data', data])
  const shop = eventUrls(server.event, accessKey)
  let n = 0
  const sell = async (batches: number): Promise<string[]> => {
    const ids: string[] = []
    for (let b = 0; b < batches; b++) {
      const events = Array.from({ length: BATCH }, (_, i) => {
        n++
        if (i % 10 === 0) return itemEvent('$set', `i${n % 40}`, { color: n % 3, price: n })
        return action('buy', `u${n % 17}`, `i${n % 40}`)
      })
      const { status, json } = await send('POST', shop.batch, events)
      assert.equal(status, 200)
      ids.push(...(json as { eventId: string }[]).map(({ eventId }) => eventId))
      const [gone] = ids.splice(-3, 1)
      assert.equal((await send('DELETE', shop.event(gone ?? ''))).status, 200)
    }
    return ids
  }
  const replay = (...flags: string[]) => millraceJson<Report>(['replay', ...flags, '--data', data])
  return { data, server, shop, sell, replay }
}

const stores = async (data: string): Promise<string[]> =>
  (await readdir(data)).filter((name) => name.startsWith('store'))

test('nothing differs while events arrive, and after the switch all goes on', async (t) => {
  const { data, server, shop, sell, replay } = await world(t)
  const before = await sell(10)
  await millraceJson(['train', '--variant', join(data, '..', 'engine.json'), '--data', data])
  let selling = true
  const load = (async () => {
    const ids: string[] = []
    while (selling) ids.push(...(await sell(1)))
    return ids
  })()
  const compared = await replay()
  assert.equal(compared.differences.total, 0, JSON.stringify(compared.differences))
  assert.equal(compared.switched, false)
  assert.ok(compared.events >= before.length)
  assert.deepEqual(compared.index, { items: compared.index.items, unsettled: 0 })
  assert.ok((compared.index.items ?? 0) >= 40)
  assert.deepEqual(await stores(data), ['store'])

  const switched = await replay('--switch')
  selling = false
  const during = await load
  assert.equal(switched.differences.total, 0, JSON.stringify(switched.differences))
  assert.equal(switched.switched, true)
  for (const id of [...before, ...during].slice(-200)) {
    assert.equal((await send('GET', shop.event(id))).status, 200)
  }
  const all = (await send('GET', `${shop.events}&limit=-1`)).json as unknown[]
  assert.equal(all.length, before.length + during.length)
  const after = await sell(2)
  for (const id of after) assert.equal((await send('GET', shop.event(id))).status, 200)
  assert.deepEqual(await stores(data), [`store-${switched.version}`])

  const again = await replay()
  assert.equal(again.differences.total, 0, JSON.stringify(again.differences))
  assert.equal(await server.stop(), 0)
  const stopped = await replay()
  assert.equal(stopped.differences.total, 0, 'also without a running platform')
})

test('what is planted in the store is found and named, and a switch mends it', async (t) => {
  const { data, server, sell, replay } = await world(t)
  await sell(6)
  assert.equal(await server.stop(), 0)
  const tables = openTables({ path: join(data, 'store') })
  tables.root.transactionSync(() => {
    const events = [...tables.events.getRange({})]
    const gone = events[30]
    assert.ok(gone !== undefined)
    tables.events.removeSync(gone.key)
    const state = [...tables.states.getRange({})][3]
    assert.ok(state !== undefined)
    const text = state.value.toString()
    const spoilt = text.replace(/"color",(\d+),"\d"/, '"color",$1,"9"')
    assert.notEqual(spoilt, text)
    tables.states.putSync(state.key, Buffer.from(spoilt))
  })
  await tables.root.close()

  const { code, stdout } = await millrace(['replay', '--data', data])
  assert.equal(code, 1, stdout)
  assert.match(stdout, /differences {2}3\n/)
  assert.match(stdout, /event-missing 1\n +\{"app":1,"channel":0,"eventId":"/)
  assert.match(stdout, /state-other 1\n +\{"app":1,"channel":0,"entityType":"item"/)
  assert.match(stdout, /index-other 1\n +\{"app":1,"item":"i/)
  assert.match(stdout, /millrace replay --switch/)

  const switched = await replay('--switch')
  assert.equal(switched.differences.total, 3)
  const again = await replay()
  assert.equal(again.differences.total, 0, JSON.stringify(again.differences))
})

/** Kills the process so long after the replay began to write its version. */
async function killedReplay(data: string, server: RunningMillrace, ms: number): Promise<void> {
  const before = (await stores(data)).length
  const asked = millrace(['replay', '--switch', '--data', data])
  await until(async () => (await stores(data)).length > before)
  await sleep(ms)
  await server.kill()
  await asked
}

test('killed at any moment of a replay and its switch, one whole version is left', async (t) => {
  const { data, server, sell, shop } = await world(t)
  const ids = await sell(20)
  let running = server
  for (const ms of [0, 100, 200, 300, 450, 700]) {
    await killedReplay(data, running, ms)
    running = await startMillrace(data, t)
    assert.equal((await stores(data)).length, 1, `killed after ${ms} ms`)
    const { port } = new URL(running.event)
    for (const id of ids.slice(-20)) {
      const url = new URL(shop.event(id))
      url.port = port
      assert.equal((await send('GET', url.href)).status, 200)
    }
  }
  const report = await millraceJson<Report>(['replay', '--data', data])
  assert.equal(report.differences.total, 0, JSON.stringify(report.differences))
})
