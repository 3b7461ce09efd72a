// The item index is away for five minutes, in the time of the simulation, while clients go on.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Client, type Ledger } from '../sim/client.ts'
import { prepareEventServers } from '../sim/event-servers.ts'
import { beginTrained } from '../sim/first-version.ts'
import { startProcesses } from '../sim/processes.ts'
import { checkAtRest, isAtRest } from '../sim/simulate.ts'
import { createWorld } from '../sim/world.ts'

const AWAY_MS = 300_000
/** Of each client between two requests, at most. */
const PAUSE_MS = 2000
const CATCHES_UP_IN_MS = 15_000

describe('index away', () => {
  it('for five minutes: events, reads and deletions go on, and it catches up', async (t) => {
    const world = createWorld(1, { trace: false, isCalm: true })
    const { scheduler, faults, events } = world
    await prepareEventServers(events.partitions, 1)
    await beginTrained(world)
    const ledger: Ledger = { acknowledged: [], counts: new Map() }
    const processes = startProcesses(world, 1)
    const step = async (): Promise<void> => {
      await scheduler.step()
      assert.deepEqual(world.findings, [])
    }
    while (!processes.isComplete) await step()
    const [host] = processes.ready
    assert.ok(host)

    faults.indexAway = true
    const clients = Array.from({ length: 4 }, (_, i) => {
      const life = scheduler.life(`client${i}`)
      return new Client({ world, life, ledger, host: processes.any, pauseMs: PAUSE_MS })
    })
    const work = clients.map((client) => client.run(() => scheduler.clock.monotonic() >= AWAY_MS))
    while (scheduler.clock.monotonic() < AWAY_MS) await step()
    const { watermarks } = host.streams
    const behind =
      (watermarks.applied('store').offsets[0] ?? 0) - (watermarks.applied('index').offsets[0] ?? 0)
    assert.ok(behind > 100, `the index is only ${behind} records behind`)

    faults.indexAway = false
    let over = false
    void Promise.all(work).then(() => {
      over = true
    })
    while (!over || !isAtRest(world, processes)) await step()
    const took = scheduler.clock.monotonic() - AWAY_MS
    assert.ok(took < CATCHES_UP_IN_MS, `it took ${took} ms`)
    await checkAtRest(world, processes, ledger)
    assert.deepEqual(world.findings, [])

    const counts = [...ledger.counts].sort()
    for (const [outcome, count] of counts) t.diagnostic(`${count} ${outcome}`)
    t.diagnostic(`${behind} records behind, caught up in ${took} ms`)
    for (const [outcome] of counts) assert.doesNotMatch(outcome, / 5\d\d| no answer/)
    const acknowledged = ledger.counts.get('POST /* → 201') ?? 0
    assert.ok(acknowledged > 200, `only ${acknowledged} events were sent`)
    processes.end()
  })
})
