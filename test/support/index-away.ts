// The platform under load while its item index is away, and after it is back: what the test and `npm run index-away` share.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { action, eventUrls, itemEvent, type Shop, send } from './http-client.ts'
import { millraceJson, placeOf, type RunningMillrace, startMillrace } from './millrace-process.ts'
import { shopEngine } from './shop-engine.ts'
import { until } from './until.ts'

const HOOK = new URL('./refusing-index-hook.ts', import.meta.url).href
const SENDERS = 4
const ASKERS = 2
/** Less than a page, so that one query can name all items. */
const ITEMS = 4000
const MARKED = 100
const CATCH_UP_MS = 120_000

const ENGINE = shopEngine()

/** What the senders did and how long the slowest request of each kind took. */
export interface Tally {
  posted: number
  acknowledged: number
  got: number
  deleted: number
  queries: number
  /** What answers said they lack, and how many did. */
  degraded: Record<string, number>
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
  /** Events that were acknowledged and not deleted, and those found in the event store. */
  readonly kept: number
  readonly stored: number
  /** Of `kept` those that are not stored, and stored ones that are there more than once. */
  readonly lost: number
  readonly twice: number
  /** Items that were bought, and those a query names. */
  readonly items: number
  readonly shown: number
  /** Items whose mark was set while the index was away, and those a rule on the mark finds. */
  readonly marked: number
  readonly found: number
  readonly exit: number | null
}

/** A platform whose index can be taken away. */
export interface FragilePlatform {
  /** Data folder or configuration file. */
  readonly place: string
  /** Goes before the command. */
  readonly prefix?: readonly string[]
  leave(server: RunningMillrace): void | Promise<void>
  comeBack(server: RunningMillrace): void | Promise<void>
}

/** All embedded; a signal makes the index refuse everything, another lets it work again. */
export function refusingPlatform(folder: string): FragilePlatform {
  const signal = ({ pid }: RunningMillrace): void => {
    process.kill(pid, 'SIGUSR2')
  }
  return {
    place: join(folder, 'data'),
    prefix: ['env', `NODE_OPTIONS=--import=${HOOK}`],
    leave: signal,
    comeBack: signal,
  }
}

export interface IndexAwayOptions {
  readonly folder: string
  readonly platform: FragilePlatform
  /** How long the index is away, milliseconds. */
  readonly awayMs: number
  /** How long it is there before and behind that. */
  readonly calmMs?: number
  readonly ends: { after(end: () => Promise<void>): void }
}

export async function indexAway({
  folder,
  platform,
  awayMs,
  calmMs = 1000,
  ends,
}: IndexAwayOptions): Promise<IndexAwayReport> {
  const { place, prefix = [] } = platform
  const engineFile = join(folder, 'engine.json')
  await writeFile(engineFile, JSON.stringify(ENGINE))
  const server = await startMillrace(place, ends, { prefix })
  const on = (...args: string[]): string[] => [...args, ...placeOf(place)]
  const { accessKey } = await millraceJson<{ accessKey: string }>(on('app', 'new', 'shop'))
  const urls = eventUrls(server.event, accessKey)
  await send('POST', urls.events, action('buy', 'first', 'item-0', { eventId: 'first' }))
  await millraceJson(on('train', '--variant', engineFile))
  const load = createLoad(server, urls)
  load.items.add('item-0')
  load.kept.add('first')

  const before = await load.run(calmMs)
  await platform.leave(server)
  const away = await load.run(awayMs)
  for (let i = 0; i < MARKED; i++) {
    await send('POST', urls.events, itemEvent('$set', `item-${i}`, { mark: 'yes' }))
  }
  const behind = await indexLag(server)
  await platform.comeBack(server)
  const back = performance.now()
  const caughtUp = (): Promise<void> =>
    until(async () => (await indexLag(server)) === 0, CATCH_UP_MS)
  await caughtUp()
  const caughtUpMs = performance.now() - back
  const after = await load.run(calmMs)
  await caughtUp()
  const all = await send('GET', `${urls.events}&event=buy&limit=-1`)
  const stored = (all.json as { eventId: string }[]).map(({ eventId }) => eventId)
  const once = new Set(stored)
  const shown = await itemsOf(server, { num: 9000 })
  const found = await itemsOf(server, {
    num: 9000,
    fields: [{ name: 'mark', values: ['yes'], bias: -1 }],
  })
  return {
    ...{ before, away, after, behind, caughtUpMs, kept: load.kept.size },
    stored: stored.length,
    lost: [...load.kept].filter((id) => !once.has(id)).length,
    twice: stored.length - once.size,
    items: load.items.size,
    shown: shown.filter((item) => load.items.has(item)).length,
    marked: MARKED,
    found: found.length,
    exit: await server.stop(),
  }
}

/** Nothing was harmed but the queries, and those said so. Tells the counts. */
export function checkIndexAway(
  report: IndexAwayReport,
  t: { diagnostic(message: string): void },
): void {
  const { before, away, after } = report
  for (const [phase, tally] of Object.entries({ before, away, after })) {
    assert.deepEqual(tally.wrong, [], phase)
    assert.ok(tally.posted > 10, `${phase}: ${tally.posted} posted`)
    assert.equal(tally.acknowledged, tally.posted, phase)
    assert.equal(tally.got, tally.posted, phase)
    assert.ok(tally.deleted > 0, phase)
    t.diagnostic(`${phase}: ${JSON.stringify(tally)}`)
  }
  assert.deepEqual([before, away, after].map(withoutIndex), [0, away.queries, 0])
  assert.ok(report.behind >= away.posted, `only ${report.behind} behind`)
  assert.equal(report.stored, report.kept)
  assert.equal(report.shown, report.items)
  assert.equal(report.found, report.marked)
  assert.deepEqual([report.lost, report.twice, report.exit], [0, 0, 0])
  const { behind, caughtUpMs, kept, stored, shown } = report
  t.diagnostic(
    `${behind} records behind, caught up in ${caughtUpMs.toFixed(0)} ms; ${kept} acknowledged and kept, ` +
      `${stored} stored, 0 lost, 0 twice, ${shown} items shown`,
  )
}

/** Queries whose answer says that it lacks the index; a history may be late at any time on a busy machine. */
function withoutIndex({ degraded }: Tally): number {
  const those = Object.entries(degraded).filter(([parts]) => parts.includes('index'))
  return those.reduce((sum, [, queries]) => sum + queries, 0)
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
    if (kept.size % 5 !== 0) return
    const deleted = await timed('delete', 'DELETE', urls.event(id))
    if (deleted.status !== 200) return
    tally.deleted++
    kept.delete(id)
    const gone = await send('GET', urls.event(id))
    if (gone.status !== 404) tally.wrong.push(`a deleted event: ${gone.status}`)
  }
  const ask = async (user: string, tally: Tally): Promise<void> => {
    const reply = await send('POST', `${server.query}/queries.json`, { user })
    tally.queries++
    const degraded = reply.headers.get('millrace-degraded')
    if (degraded !== null) tally.degraded[degraded] = (tally.degraded[degraded] ?? 0) + 1
    if (reply.status !== 200) tally.wrong.push(`query ${reply.status} ${reply.text}`)
  }
  return {
    items,
    kept,
    run: async (ms: number): Promise<Tally> => {
      const tally: Tally = {
        ...{ posted: 0, acknowledged: 0, got: 0, deleted: 0, queries: 0, degraded: {} },
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
      const asker = async (): Promise<void> => {
        while (performance.now() < until) {
          await ask(`u-${run}-${Math.max(0, next - 1)}`, tally)
          await sleep(10)
        }
      }
      await Promise.all([
        ...Array.from({ length: SENDERS }, sender),
        ...Array.from({ length: ASKERS }, asker),
      ])
      return tally
    },
  }
}
