// The job queue and a Redis that is wrong, away or flushed: one of the test's own.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Redis } from 'ioredis'
import { systemClock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { JobQueue } from '#ports/job-queue'
import { silentTelemetry } from '#ports/telemetry'
import { createIdSource } from '#schemas/ids'
import { openJobQueue } from '../../infra/bullmq/job-queue.ts'
import { isAlive } from '../../infra/wiring/owner.ts'
import { ownCluster } from '../support/own-cluster.ts'
import { until } from '../support/until.ts'

const open = (url: string): Promise<JobQueue> =>
  openJobQueue({
    ...{ url, prefix: 'test', clock: systemClock },
    ...{ telemetry: silentTelemetry, ids: createIdSource() },
  })

interface OwnRedis {
  readonly url: string
  /** kill -9. */
  kill(): Promise<void>
  start(): Promise<void>
}

async function ownRedis(t: TestContext): Promise<OwnRedis> {
  const cluster = await ownCluster(t)
  let [running] = (await cluster.up('redis')).processes
  assert.ok(running)
  return {
    url: running.address,
    kill: async () => {
      const pid = running?.pid ?? 0
      process.kill(pid, 'SIGKILL')
      await until(() => !isAlive(pid))
    },
    start: async () => {
      running = (await cluster.up('redis')).processes[0]
    },
  }
}

function isError(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof MillraceError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, message)
    assert.match(error.hint, /queue/)
    return true
  }
}

test('bullmq: a wrong address or password is told at the start, with port, address and mend', async (t) => {
  await assert.rejects(
    open('redis://127.0.0.1:1'),
    isError('SERVER_UNREACHABLE', /queue.*127\.0\.0\.1:1.*ECONNREFUSED/),
  )
  await assert.rejects(open('redis://'), (error: unknown) => {
    return error instanceof MillraceError && error.code === 'CONFIG_INVALID'
  })
  const { url } = await ownRedis(t)
  const { host } = new URL(url)
  const admin = new Redis(url)
  await admin.config('SET', 'requirepass', 'secret')
  await assert.rejects(open(url), isError('SERVER_REFUSED', /NOAUTH/))
  await assert.rejects(open(`redis://:wrong@${host}`), isError('SERVER_REFUSED', /WRONGPASS/))
  const queue = await open(`redis://:secret@${host}/3`)
  assert.equal((await queue.health()).status, 'ok')
  await admin.config('SET', 'maxmemory-policy', 'allkeys-lru')
  const health = await queue.health()
  assert.deepEqual([health.status, health.hint?.includes('noeviction')], ['degraded', true])
  await queue.close()
  admin.disconnect()
})

test('bullmq: while Redis is away calls fail soon; after it is back, jobs go on', async (t) => {
  const redis = await ownRedis(t)
  const queue = await open(redis.url)
  t.after(() => queue.close())
  const done = await queue.add('kept', 'a', { n: 1 })
  await systemClock.sleep(1500) // appendfsync everysec
  await redis.kill()
  const started = systemClock.monotonic()
  await assert.rejects(queue.add('kept', 'b', {}), isError('QUEUE_UNAVAILABLE', /./))
  assert.ok(systemClock.monotonic() - started < 15_000)
  const health = await queue.health()
  assert.equal(health.status, 'failed')
  assert.ok(health.hint)
  await redis.start()
  await until(async () => (await queue.health()).status === 'ok', 20_000)
  queue.process('kept', async ({ job }) => ({ n: job.data.n as number }))
  assert.deepEqual((await queue.follow(done.id, () => {})).result, { n: 1 })
  assert.equal((await queue.list(10)).length, 1)
  await redis.kill()
  const closing = systemClock.monotonic()
  await queue.close()
  assert.ok(systemClock.monotonic() - closing < 15_000, 'it closes while Redis is away')
})

test('bullmq: after a flush nothing is known, nobody hangs, and new jobs run', async (t) => {
  const redis = await ownRedis(t)
  const queue = await open(redis.url)
  t.after(() => queue.close())
  const started = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  queue.process('held', async () => {
    started.resolve()
    await held.promise
    return {}
  })
  const running = await queue.add('held', 'key', {})
  await started.promise
  const followed = assert.rejects(
    queue.follow(running.id, () => {}),
    (error: unknown) => {
      return error instanceof MillraceError && error.code === 'JOB_NOT_FOUND'
    },
  )
  const admin = new Redis(redis.url)
  await admin.flushall()
  admin.disconnect()
  await followed
  assert.deepEqual(await queue.list(10), [])
  held.resolve()
  const again = await queue.add('held', 'key', {})
  assert.equal((await queue.follow(again.id, () => {})).state, 'done')
})
