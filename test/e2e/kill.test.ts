// kill -9 of the whole platform under load, round after round, with a ledger of what was acknowledged: every acknowledged
// event is stored once, nothing is stored twice, and whatever is stored was sent.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { action, eventUrls, send } from '../support/http-client.ts'
import { millraceJson, type RunningMillrace, startMillrace } from '../support/millrace-process.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const ROUNDS = 10
const SENDERS = 8

test(`${ROUNDS} rounds of kill -9 lose nothing and double nothing`, async (t) => {
  const data = join(await temporaryFolder(t), 'data')
  const { accessKey } = await millraceJson<{ accessKey: string }>([
    'app',
    'new',
    'shop',
    '--data',
    data,
  ])
  const sent = new Set<string>()
  const acknowledged = new Set<string>()
  for (let round = 0; round < ROUNDS; round++) {
    const server = await startMillrace(data, t)
    assert.ok(server.readyMs < 5000, `restart took ${server.readyMs} ms`)
    await loadUntilKilled(server, accessKey, round, sent, acknowledged)
  }
  const server = await startMillrace(data, t)
  const urls = eventUrls(server.event, accessKey)
  const all = await send('GET', `${urls.events}&limit=-1`)
  const stored = (all.json as { targetEntityId: string }[]).map((event) => event.targetEntityId)
  const once = new Set(stored)
  assert.ok(acknowledged.size > ROUNDS * 20, `only ${acknowledged.size} acknowledged`)
  assert.equal(stored.length, once.size, 'something is stored twice')
  assert.deepEqual(
    [...acknowledged].filter((name) => !once.has(name)),
    [],
    'something acknowledged is lost',
  )
  assert.deepEqual(
    [...once].filter((name) => !sent.has(name)),
    [],
    'something stored was never sent',
  )
  assert.equal(await server.stop(), 0)
  t.diagnostic(
    `${sent.size} sent, ${acknowledged.size} acknowledged, ${stored.length} stored, 0 lost, 0 twice`,
  )
})

async function loadUntilKilled(
  server: RunningMillrace,
  key: string,
  round: number,
  sent: Set<string>,
  acknowledged: Set<string>,
): Promise<void> {
  const urls = eventUrls(server.event, key)
  let alive = true
  const sender = async (number: number): Promise<void> => {
    for (let i = 0; alive; i++) {
      const names = Array.from(
        { length: i % 3 === 0 ? 5 : 1 },
        (_, place) => `${round}-${number}-${i}-${place}`,
      )
      for (const name of names) sent.add(name)
      const events = names.map((name) =>
        action('buy', `user-${number}`, name, { eventId: `id-${name}` }),
      )
      try {
        if (events.length === 1) {
          const reply = await send('POST', urls.events, events[0])
          if (reply.status === 201) acknowledged.add(names[0] as string)
        } else {
          const reply = await send('POST', urls.batch, events)
          const results = reply.json as { status: number }[]
          names.forEach((name, place) => {
            if (reply.status === 200 && results[place]?.status === 201) acknowledged.add(name)
          })
        }
      } catch {
        return // the connection broke: what was on its way may or may not be there
      }
    }
  }
  const senders = Array.from({ length: SENDERS }, (_, number) => sender(number))
  await sleep(300 + 137 * (round % 4))
  await server.kill()
  alive = false
  await Promise.all(senders)
}
