// What was sent and what of it was acknowledged, while a platform or a server under it is killed; compared with what is
// stored in the end.
import assert from 'node:assert/strict'
import { action, eventUrls, send } from './http-client.ts'

const SENDERS = 8

export interface Ledger {
  readonly acknowledged: ReadonlySet<string>
  /** Answers that promised nothing: the sender tries again, under the same ids. */
  readonly refused: number
  /** Sends by several connections, single events and batches, until the signal aborts or the connections break. */
  load(server: string, signal: AbortSignal): Promise<void>
  /** Every acknowledged event is stored once, nothing twice, and what is stored was sent. Returns the counts as text. */
  check(server: string): Promise<string>
}

export function createLedger(accessKey: string): Ledger {
  const sent = new Set<string>()
  const acknowledged = new Set<string>()
  let refused = 0
  let rounds = 0

  /** Sends some events; false when there was no answer. */
  const post = async (server: string, names: readonly string[]): Promise<boolean> => {
    const urls = eventUrls(server, accessKey)
    const [user] = (names[0] as string).split('-').slice(1)
    const events = names.map((name, place) =>
      action('buy', `user-${user}-${place}`, name, { eventId: `id-${name}` }),
    )
    const [first] = events
    const reply =
      events.length === 1
        ? await send('POST', urls.events, first)
        : await send('POST', urls.batch, events)
    const results = Array.isArray(reply.json) ? reply.json : [{ status: reply.status }]
    let all = true
    for (const [place, name] of names.entries()) {
      if ((results[place] as { status?: number } | undefined)?.status === 201)
        acknowledged.add(name)
      else all = false
    }
    if (!all) refused++
    return all
  }
  const sender = async (server: string, label: string, signal: AbortSignal): Promise<void> => {
    for (let i = 0; !signal.aborted; i++) {
      const count = i % 3 === 0 ? 5 : 1
      const names = Array.from({ length: count }, (_, place) => `${label}-${i}-${place}`)
      for (const name of names) sent.add(name)
      try {
        while (!(await post(server, names)) && !signal.aborted) {
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      } catch {
        return // the connection broke: what was on its way may or may not be there
      }
    }
  }
  return {
    acknowledged,
    get refused() {
      return refused
    },
    async load(server, signal) {
      const round = rounds++
      await Promise.all(
        Array.from({ length: SENDERS }, (_, n) => sender(server, `${round}-${n}`, signal)),
      )
    },
    async check(server) {
      const { events } = eventUrls(server, accessKey)
      const all = await send('GET', `${events}&limit=-1`)
      const stored = (all.json as { targetEntityId: string }[]).map((its) => its.targetEntityId)
      const once = new Set(stored)
      const lost = [...acknowledged].filter((name) => !once.has(name))
      const strange = [...once].filter((name) => !sent.has(name))
      assert.equal(stored.length, once.size, 'something is stored twice')
      assert.deepEqual(lost, [], 'something acknowledged is lost')
      assert.deepEqual(strange, [], 'something stored was never sent')
      return `${sent.size} sent, ${acknowledged.size} acknowledged, ${stored.length} stored, 0 lost, 0 twice`
    },
  }
}
