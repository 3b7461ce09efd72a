// The platform under load while its item index is away, and after it is back: what the test and `npm run index-away` share.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { action, eventUrls, itemEvent, type Shop, send } from './http-client.ts'
import { millraceJson, type RunningMillrace, startMillrace } from './millrace-process.ts'
import { shopEngine } from './shop-engine.ts'
import { until } from './until.ts'

const HOOK = new URL('./refusing-index-hook.ts', import.meta.url).href
const SENDERS = 4
/** Less than a page, so that one query can name all items. */
const ITEMS = 4000
const MARKED = 100
const CATCH_UP_MS = 60_000

const ENGINE = shopEngine()

/** What the senders did and how long the slowest request of each kind took. */
export interface Tally {
  posted: number
  acknowledged: number
  got: number
  deleted: number
  queries: number
  /** Queries that were answered 503, or with fewer parts than usual. */
  queriesRefused: number
  /** Everything that went otherwise, as text. */
  wrong: string[]
  slowestMs: { post: number; get: number; delete: number }
}

export interface IndexAwayReport {
  readonly before: Tally
  readonly away: Tally
  readonly after: Tally
  /** Records the index sink was behind when the index came back. */
  readonly behind: number
  readonly caughtUpMs: number
  /** Events the senders posted and did not delete, and those found in the event store. */
  readonly kept: number
  readonly stored: number
  /** Items that were bought, and those a query names. */
  readonly items: number
  readonly shown: number
  /** Items whose mark was set while the index was away, and those a rule on the mark finds. */
  readonly marked: number
  readonly found: number
  readonly exit: number | null
}

export interface IndexAwayOptions {
  readonly folder: string
  /** How long the index is away, milliseconds. */
  readonly awayMs: number
  readonly ends: { after(end: () => Promise<void>): void }
}

export async function indexAway({
  folder,
  awayMs,
  ends,
}: IndexAwayOptions): Promise<IndexAwayReport> {
  const data = join(folder, 'data')
  const engineFile = join(folder, 'engine.json')
  await writeFile(engineFile, JSON.stringify(ENGINE))
  const { accessKey } = await millraceJson<{ accessKey: string }>([
    ...['app', 'new', 'shop', '--data', data],
  ])
  const server = await startMillrace(data, ends, {
    prefix: ['env', `NODE_OPTIONS=--import=${HOOK}`],
  })
  const urls = eventUrls(server.event, accessKey)
  await send('POST', urls.events, action('buy', 'first', 'item-0'))
  await millraceJson(['train', '--variant', engineFile, '--data', data])
  const load = createLoad(server, urls)
  load.items.add('item-0')
  load.kept.add('first')

  const before = await load.run(1000)
  process.kill(server.pid, 'SIGUSR2')
  const away = await load.run(awayMs)
  for (let i = 0; i < MARKED; i++) {
    await send('POST', urls.events, itemEvent('$set', `item-${i}`, { mark: 'yes' }))
  }
  const behind = await indexLag(server)
  process.kill(server.pid, 'SIGUSR2')
  const back = performance.now()
  await until(async () => (await indexLag(server)) === 0, CATCH_UP_MS)
  const caughtUpMs = performance.now() - back
  const after = await load.run(1000)
  const all = await send('GET', `${urls.events}&event=buy&limit=-1`)
  const shown = await itemsOf(server, { num: 9000 })
  const found = await itemsOf(server, {
    num: 9000,
    fields: [{ name: 'mark', values: ['yes'], bias: -1 }],
  })
  return {
    ...{ before, away, after, behind, caughtUpMs, kept: load.kept.size },
    stored: (all.json as unknown[]).length,
    items: load.items.size,
    shown: shown.filter((item) => load.items.has(item)).length,
    marked: MARKED,
    found: found.length,
    exit: await server.stop(),
  }
}

async function indexLag(server: RunningMillrace): Promise<number> {
  const { text } = await send('GET', `${server.console}/metrics`)
  return Number(/^millrace_sink_lag_records\{sink="index"\} (\d+)$/m.exec(text)?.[1])
}

async function itemsOf(server: RunningMillrace, query: object): Promise<string[]> {
  const reply = await send('POST', `${server.query}/queries.json`, query)
  return (reply.json as { itemScores: { item: string }[] }).itemScores.map(({ item }) => item)
}

function createLoad(server: RunningMillrace, urls: Shop) {
  const items = new Set<string>()
  /** Ids of events that were acknowledged and not deleted. */
  const kept = new Set<string>()
  let run = 0
  const round = async (id: string, item: string, tally: Tally): Promise<void> => {
    const timed = async (
      kind: keyof Tally['slowestMs'],
      method: string,
      url: string,
      body?: object,
    ) => {
      const start = performance.now()
      const reply = await send(method, url, body)
      tally.slowestMs[kind] = Math.max(tally.slowestMs[kind], performance.now() - start)
      if (reply.status >= 300) tally.wrong.push(`${kind} ${reply.status} ${reply.text}`)
      return reply
    }
    tally.posted++
    const posted = await timed(
      'post',
      'POST',
      urls.events,
      action('buy', `u-${id}`, item, { eventId: id }),
    )
    if (posted.status !== 201) return
    tally.acknowledged++
    items.add(item)
    kept.add(id)
    const got = await timed('get', 'GET', urls.event(id))
    if ((got.json as { eventId?: string }).eventId === id) tally.got++
    const query = await send('POST', `${server.query}/queries.json`, { user: `u-${id}` })
    tally.queries++
    if (query.status !== 200 || query.headers.get('millrace-degraded') !== null) {
      tally.queriesRefused++
      if (query.status !== 200 && query.status !== 503) tally.wrong.push(`query ${query.status}`)
    }
    if (kept.size % 5 !== 0) return
    const deleted = await timed('delete', 'DELETE', urls.event(id))
    if (deleted.status !== 200) return
    tally.deleted++
    kept.delete(id)
    const gone = await send('GET', urls.event(id))
    if (gone.status !== 404) tally.wrong.push(`a deleted event: ${gone.status}`)
  }
  return {
    items,
    kept,
    run: async (ms: number): Promise<Tally> => {
      const tally: Tally = {
        ...{ posted: 0, acknowledged: 0, got: 0, deleted: 0, queries: 0, queriesRefused: 0 },
        wrong: [],
        slowestMs: { post: 0, get: 0, delete: 0 },
      }
      const until = performance.now() + ms
      run++
      let next = 0
      const sender = async (): Promise<void> => {
        while (performance.now() < until) {
          const n = next++
          await round(`${run}-${n}`, `item-${n % ITEMS}`, tally)
          // The load is what a shop has, not all a machine can.
          await sleep(5)
        }
      }
      await Promise.all(Array.from({ length: SENDERS }, sender))
      return tally
    },
  }
}
