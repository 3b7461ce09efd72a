// kill -9 of the whole platform under load, round after round, with a ledger of what was acknowledged: what the kill tests
// and `npm run kill` share.
import { setTimeout as sleep } from 'node:timers/promises'
import { action, eventUrls, type Shop, send } from './http-client.ts'
import { millraceJson, placeOf, type RunningMillrace, startMillrace } from './millrace-process.ts'

const SENDERS = 8
/** A sender deletes the event it sent this many requests ago. */
const DELETED_LATER = 10

export interface KillOptions {
  /** The data folder, made when it is missing, or a configuration file. */
  readonly data: string
  readonly rounds: number
  readonly ends: { after(end: () => Promise<void>): void }
  readonly onRound?: (round: number, readyMs: number) => void
}

export interface KillReport {
  /** Events sent, acknowledged, and whose deletion was acknowledged. */
  readonly sent: number
  readonly acknowledged: number
  readonly deleted: number
  /** Events that were sent again after a kill because no reply had come. */
  readonly again: number
  readonly stored: number
  /** Acknowledged, not deleted, not there. */
  readonly lost: readonly string[]
  /** Stored more than once. */
  readonly twice: readonly string[]
  /** There, although their deletion was acknowledged. */
  readonly undead: readonly string[]
  /** There, but never sent. */
  readonly invented: readonly string[]
  readonly slowestStartMs: number
  /** Exit code of the last, orderly stop. */
  readonly exit: number | null
}

/** Everything is known by the item an event points to: no two events share one. */
interface Ledger {
  readonly sent: Set<string>
  readonly acknowledged: Set<string>
  /** A deletion was asked for; it may have been done. */
  readonly deleting: Set<string>
  readonly deleted: Set<string>
  /** No reply came: sent again in the next round. */
  unanswered: string[]
}

export async function killRounds(options: KillOptions): Promise<KillReport> {
  const { data, rounds, ends, onRound } = options
  const { accessKey } = await millraceJson<{ accessKey: string }>([
    ...['app', 'new', 'shop', ...placeOf(data)],
  ])
  const ledger: Ledger = {
    sent: new Set(),
    acknowledged: new Set(),
    deleting: new Set(),
    deleted: new Set(),
    unanswered: [],
  }
  let slowestStartMs = 0
  let again = 0
  for (let round = 0; round < rounds; round++) {
    const server = await startMillrace(data, ends)
    slowestStartMs = Math.max(slowestStartMs, server.readyMs)
    onRound?.(round, server.readyMs)
    again += ledger.unanswered.length
    await loadUntilKilled(server, accessKey, round, ledger)
  }
  const server = await startMillrace(data, ends)
  const all = await send('GET', `${eventUrls(server.event, accessKey).events}&limit=-1`)
  const stored = (all.json as { targetEntityId: string }[]).map((event) => event.targetEntityId)
  const { sent, acknowledged, deleting, deleted } = ledger
  const once = new Set(stored)
  return {
    sent: sent.size,
    acknowledged: acknowledged.size,
    deleted: deleted.size,
    again,
    stored: stored.length,
    lost: [...acknowledged].filter((name) => !once.has(name) && !deleting.has(name)),
    twice: stored.filter((name, place) => stored.indexOf(name, place + 1) >= 0),
    undead: [...deleted].filter((name) => once.has(name)),
    invented: [...once].filter((name) => !sent.has(name)),
    slowestStartMs,
    exit: await server.stop(),
  }
}

async function loadUntilKilled(
  server: RunningMillrace,
  key: string,
  round: number,
  ledger: Ledger,
): Promise<void> {
  const urls = eventUrls(server.event, key)
  let alive = true
  const unanswered = ledger.unanswered.splice(0)
  const sender = async (number: number): Promise<void> => {
    const mine: string[] = []
    try {
      const left = unanswered.filter((_, place) => place % SENDERS === number)
      for (const name of left) await post(urls, [name], ledger)
      for (let i = 0; alive; i++) {
        const places = i % 3 === 0 ? 5 : 1
        const names = Array.from({ length: places }, (_, n) => `${round}-${number}-${i}-${n}`)
        mine.push(names[0] as string)
        await post(urls, names, ledger)
        const old = mine[i - DELETED_LATER]
        if (i % 4 === 0 && old !== undefined) await remove(urls, old, ledger)
      }
    } catch {
      // The connection broke: what was on its way may or may not be there.
    }
  }
  const senders = Array.from({ length: SENDERS }, (_, number) => sender(number))
  await sleep(300 + 137 * (round % 4))
  await server.kill()
  alive = false
  await Promise.all(senders)
}

/** Sends events; those that are not acknowledged, for whatever reason, are sent again in the next round. */
async function post(urls: Shop, names: readonly string[], ledger: Ledger): Promise<void> {
  for (const name of names) ledger.sent.add(name)
  ledger.unanswered.push(...names)
  const events = names.map((name) => {
    const user = `user-${Number(name.split('-')[1]) % SENDERS}`
    return action('buy', user, name, { eventId: `id-${name}` })
  })
  const [event] = events
  const single = events.length === 1
  const reply = await send('POST', single ? urls.events : urls.batch, single ? event : events)
  const results = single ? [reply] : ((reply.json ?? []) as { status: number }[])
  names.forEach((name, place) => {
    if (reply.status < 300 && results[place]?.status === 201) ledger.acknowledged.add(name)
  })
  const { acknowledged } = ledger
  ledger.unanswered = ledger.unanswered.filter((name) => !acknowledged.has(name))
}

async function remove(urls: Shop, name: string, { deleting, deleted }: Ledger): Promise<void> {
  deleting.add(name)
  const reply = await send('DELETE', urls.event(`id-${name}`))
  if (reply.status === 200) deleted.add(name)
}
