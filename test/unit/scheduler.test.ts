// The scheduler over in-memory ports: which trainings it asks for, minute by minute.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { RangeInfo } from '#ports/archive'
import type { Job } from '#ports/job-queue'
import { silentTelemetry } from '#ports/telemetry'
import { encodeRecord } from '#schemas/codec'
import type { ControlChange, Schedule } from '#schemas/directory'
import { countNewEvents } from '../../batch/new-events.ts'
import { startScheduler, TICK_MS } from '../../batch/scheduler.ts'
import { createManualClock } from '../support/memory/clock.ts'
import { createMemoryDirectory } from '../support/memory/directory.ts'
import { createMemoryJobQueue } from '../support/memory/job-queue.ts'
import { createMemoryLog } from '../support/memory/log.ts'

const ENGINE = 'shop'
const APP = 1

function eventOf(app: number, n: number): Buffer {
  return encodeRecord({
    kind: 'event',
    app,
    channel: 0,
    appendId: '',
    event: {
      eventId: `e${n}`,
      event: 'buy',
      entityType: 'user',
      entityId: `u${n}`,
      targetEntityType: null,
      targetEntityId: null,
      properties: '{}',
      eventTime: n,
      eventTimeOffset: 0,
      prId: null,
      creationTime: n,
    },
  })
}

const range = (
  partition: number,
  start: number,
  end: number,
  rows: [number, number][],
): RangeInfo => ({
  generation: 0,
  partition,
  start,
  end,
  revision: 0,
  files: rows.map(([app, n]) => ({ path: `${app}`, app, day: '2026-01-01', rows: n, bytes: 1 })),
  minTime: 0,
  maxTime: 0,
})

async function world(t: TestContext) {
  const clock = createManualClock()
  const directory = createMemoryDirectory({ clock })
  const queue = createMemoryJobQueue({ clock })
  const log = createMemoryLog({ partitions: 2 })
  const archived: RangeInfo[] = []
  const archive = {
    ranges: async () => archived,
    end: async (partition: number) =>
      Math.max(0, ...archived.filter((r) => r.partition === partition).map((r) => r.end)),
  }
  const write = async (...changes: ControlChange[]): Promise<void> => {
    assert.deepEqual(await directory.write({ expects: {}, changes }), { accepted: true })
  }
  await write(
    { type: 'app-created', app: { id: APP, name: 'shop', description: null } },
    { type: 'engine-registered', engineId: ENGINE, appId: APP, factory: 'universal', variant: {} },
  )
  const deps = { directory, queue, archive, log, clock, telemetry: silentTelemetry }
  let scheduler = startScheduler(deps)
  t.after(async () => {
    await scheduler.close()
    await queue.close()
    await log.close()
  })
  /** Lets everything settle that a minute set off. */
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  return {
    clock,
    directory,
    queue,
    log,
    archived,
    archive,
    write,
    schedule: (schedule: Schedule | null) =>
      write({ type: 'schedule-set', engineId: ENGINE, schedule }),
    async minutes(count: number): Promise<void> {
      await settle()
      for (let minute = 0; minute < count; minute++) {
        clock.advance(TICK_MS)
        await settle()
      }
    },
    async away(ms: number): Promise<void> {
      await scheduler.close()
      clock.advance(ms)
      scheduler = startScheduler(deps)
      await settle()
    },
    jobs: async () => (await queue.list(1000)).map(({ name, key }: Job) => `${name} ${key}`),
  }
}

/** Runs trainings as the train job does, as far as the directory sees it. */
function trainAtOnce(its: Awaited<ReturnType<typeof world>>): void {
  let count = 0
  its.queue.process('train', async () => {
    const versionId = `v${++count}`
    const offsets = [await its.log.end(0), await its.log.end(1)]
    const watermark = { generation: 0, offsets }
    const engineId = ENGINE
    await its.write({ type: 'version-opened', engineId, versionId })
    await its.write({ type: 'version-watermarked', engineId, versionId, watermark })
    await its.write({ type: 'version-activated', engineId, versionId, summary: null })
    return {}
  })
}

test('an interval asks once each time it is over, and never without a schedule', async (t) => {
  const its = await world(t)
  trainAtOnce(its)
  await its.minutes(60)
  assert.deepEqual(await its.jobs(), [])
  await its.schedule({ type: 'every', ms: 10 * TICK_MS })
  await its.minutes(60)
  assert.equal((await its.jobs()).length, 6)
  await its.schedule(null)
  await its.minutes(60)
  assert.equal((await its.jobs()).length, 6)
})

test('what was missed while the platform was down is one training at its start', async (t) => {
  const its = await world(t)
  trainAtOnce(its)
  await its.schedule({ type: 'cron', expression: '0 * * * *' })
  await its.away(72 * 60 * TICK_MS)
  assert.deepEqual(await its.jobs(), [`train ${ENGINE}`])
  await its.minutes(59)
  assert.ok((await its.jobs()).length <= 2, 'then one an hour')
})

test('a training that runs longer than its interval has none beside it and one after it', async (t) => {
  const its = await world(t)
  let running = 0
  let most = 0
  let runs = 0
  its.queue.process('train', async () => {
    most = Math.max(most, ++running)
    await its.write({ type: 'version-opened', engineId: ENGINE, versionId: `v${++runs}` })
    await its.clock.sleep(25 * TICK_MS)
    running--
    return {}
  })
  await its.schedule({ type: 'every', ms: 10 * TICK_MS })
  await its.minutes(70)
  assert.equal(most, 1)
  assert.equal(runs, 3, 'begun at minutes 10, 36 and 62')
  const open = (await its.queue.list(1000)).filter(({ state }) => state !== 'done')
  assert.equal(open.length, 1, 'no backlog')
  await its.minutes(30)
  await its.schedule(null)
  await its.minutes(60)
})

test('after N events: those of the app, behind the last training, in ranges and in the log', async (t) => {
  const its = await world(t)
  trainAtOnce(its)
  await its.schedule({ type: 'after-events', count: 10 })
  its.archived.push(
    range(0, 0, 8, [
      [APP, 5],
      [2, 3],
    ]),
    range(1, 0, 2, [[2, 2]]),
  )
  const append = (partition: number, app: number, count: number) =>
    its.log.append(
      partition,
      Array.from({ length: count }, (_, n) => eventOf(app, n)),
    )
  await append(0, APP, 5)
  await append(0, 2, 3)
  await append(1, 2, 2)
  await append(0, APP, 2)
  await append(1, APP, 2)
  await append(1, 2, 50)
  await its.minutes(2)
  assert.deepEqual(await its.jobs(), [], '5 archived and 4 in the log')
  await append(1, APP, 1)
  await its.minutes(1)
  assert.deepEqual(await its.jobs(), [`train ${ENGINE}`])
  its.archived.push(
    range(0, 8, 10, [[APP, 2]]),
    range(1, 2, 55, [
      [APP, 3],
      [2, 50],
    ]),
  )
  await append(0, APP, 9)
  await its.minutes(5)
  assert.equal((await its.jobs()).length, 1, 'what was trained is not new')
  await append(0, APP, 1)
  await its.minutes(5)
  assert.equal((await its.jobs()).length, 2)
})

test('new events are counted behind a watermark of the log that is written, and all behind an older one', async (t) => {
  const { archive, archived, log } = await world(t)
  archived.push(range(0, 0, 4, [[APP, 4]]), range(0, 4, 6, [[APP, 2]]))
  await log.append(
    0,
    Array.from({ length: 9 }, (_, n) => eventOf(n === 8 ? 300 : APP, n)),
  )
  const count = (offset: number | null, enough = 1000, app = APP) => {
    const behind = offset === null ? null : { generation: 0, offsets: [offset, 0] }
    return countNewEvents({ archive, log, app, behind, enough })
  }
  assert.equal(await count(null), 8)
  assert.equal(await count(4), 4)
  assert.equal(await count(6), 2)
  assert.equal(await count(8), 0)
  assert.equal(await count(0, 1000, 300), 1)
  assert.equal(await count(null, 3), 6, 'the log is not read when the ranges are enough')
})
