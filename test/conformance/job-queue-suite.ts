// What every job queue must do.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { MillraceError } from '#ports/errors'
import {
  JOBS_KEPT,
  type Job,
  type JobContext,
  type JobProgress,
  type JobQueue,
  type Retries,
} from '#ports/job-queue'
import type { JsonObject } from '#schemas/json'
import { until } from '../support/until.ts'

export interface JobQueueSupports {
  /** Jobs are there after closing and opening again. */
  readonly reopen: boolean
}

export interface JobQueueUnderTest {
  readonly queue: JobQueue
  /** Closes the queue and opens it again. */
  readonly reopen?: () => Promise<JobQueue>
}

export interface JobQueueFactory {
  readonly name: string
  /** Time in which the queue does what it can do without us: 20 ms unless it is on another machine. */
  readonly settleMs?: number
  readonly supports: JobQueueSupports
  readonly open: (t: TestContext) => Promise<JobQueueUnderTest>
}

const SETTLE_MS = 20

const ignore = (): void => {}

const RETRIES: Retries = { max: 2, pauseMs: 50, isPassing: (code) => code === 'SERVER_UNREACHABLE' }

/** The first times it fails with what may pass. */
function failing(times: number): (context: JobContext) => Promise<JsonObject> {
  let failed = 0
  return async () => {
    if (failed++ >= times) return { after: times }
    const details = { port: 'batch', address: 'sc://nowhere', reason: 'refused' }
    throw new MillraceError('SERVER_UNREACHABLE', details)
  }
}

/** A handler whose jobs wait until the test lets them end, or are aborted. */
export function heldJobs(): {
  readonly started: string[]
  readonly handler: (context: JobContext) => Promise<JsonObject>
  release(key: string): void
} {
  const started: string[] = []
  const waiting = new Map<string, () => void>()
  return {
    started,
    handler: ({ job, signal }) =>
      new Promise((resolve, reject) => {
        started.push(job.key)
        waiting.set(job.key, () => resolve({ of: job.key }))
        signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
      }),
    release: (key) => waiting.get(key)?.(),
  }
}

/** Lets the queue do what it can do without us. */
export async function settle(ms = SETTLE_MS): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}

export function jobQueueSuite(factory: JobQueueFactory): void {
  const settled = (): Promise<void> => settle(factory.settleMs)
  const it = (
    name: string,
    run: (queue: JobQueue, subject: JobQueueUnderTest) => Promise<void>,
  ): void => {
    test(`job queue (${factory.name}): ${name}`, async (t) => {
      const subject = await factory.open(t)
      await run(subject.queue, subject)
    })
  }

  it('runs a job and keeps its result', async (queue) => {
    queue.process('add', async ({ job }) => ({ sum: (job.data.a as number) + 1 }))
    const added = await queue.add('add', 'key', { a: 2 })
    assert.equal(added.state, 'waiting')
    const job = await queue.follow(added.id, ignore)
    assert.equal(job.state, 'done')
    assert.deepEqual(job.result, { sum: 3 })
    assert.equal(job.attempts, 1)
    assert.ok(job.startedAt !== null && job.endedAt !== null && job.endedAt >= job.startedAt)
    assert.deepEqual(await queue.get(added.id), job)
    assert.deepEqual(await queue.follow(added.id, ignore), job)
  })

  it('keeps a job until its handler comes', async (queue) => {
    const { id } = await queue.add('late', 'key', {})
    await settled()
    assert.equal((await queue.get(id))?.state, 'waiting')
    queue.process('late', async () => ({}))
    assert.equal((await queue.follow(id, ignore)).state, 'done')
  })

  it('says why a job failed', async (queue) => {
    queue.process('fail', async ({ job }) => {
      if (job.key === 'ours') throw new MillraceError('DISK_FULL', { what: 'x' })
      throw new Error('no idea')
    })
    const [ours, other] = [
      await queue.add('fail', 'ours', {}),
      await queue.add('fail', 'other', {}),
    ]
    const failed = await queue.follow(ours.id, ignore)
    assert.equal(failed.state, 'failed')
    assert.equal(failed.error?.code, 'DISK_FULL')
    assert.ok(failed.error?.hint)
    assert.equal((await queue.follow(other.id, ignore)).error?.code, 'INTERNAL')
  })

  it('runs one job of a key at a time, in order, and other keys beside it', async (queue) => {
    const held = heldJobs()
    const ended: string[] = []
    queue.process('held', held.handler)
    const first = await queue.add('held', 'a', { n: 1 })
    await until(() => held.started.length === 1)
    const second = await queue.add('held', 'a', { n: 2 })
    const beside = await queue.add('held', 'b', { n: 3 })
    await until(() => held.started.length === 2)
    assert.deepEqual(held.started, ['a', 'b'])
    assert.deepEqual(
      await Promise.all(
        [first, second, beside].map(async ({ id }) => (await queue.get(id))?.state),
      ),
      ['running', 'waiting', 'running'],
    )
    held.release('a')
    ended.push((await queue.follow(first.id, ignore)).state)
    await until(() => held.started.length === 3)
    held.release('a')
    held.release('b')
    ended.push((await queue.follow(second.id, ignore)).state)
    ended.push((await queue.follow(beside.id, ignore)).state)
    assert.deepEqual(held.started, ['a', 'b', 'a'])
    assert.deepEqual(ended, ['done', 'done', 'done'])
  })

  it('returns the waiting job of a key instead of adding another', async (queue) => {
    const [one, two] = await Promise.all([
      queue.add('later', 'key', { n: 1 }),
      queue.add('later', 'key', { n: 2 }),
    ])
    assert.equal(one.id, two.id)
    assert.equal((await queue.add('later', 'key', { n: 3 })).id, one.id)
    assert.notEqual((await queue.add('later', 'other', {})).id, one.id)
    assert.equal((await queue.list(10)).length, 2)
  })

  it('tells progress to who follows, and keeps the newest', async (queue) => {
    const held = Promise.withResolvers<void>()
    queue.process('steps', async ({ progress }) => {
      await held.promise
      for (const done of [1, 2, 3]) progress({ step: 'read', done, total: 3, unit: 'events' })
      return {}
    })
    const { id } = await queue.add('steps', 'key', {})
    const told: number[] = []
    const followed = queue.follow(id, ({ done }) => told.push(done))
    held.resolve()
    assert.equal((await followed).progress?.done, 3)
    assert.deepEqual(told, [1, 2, 3])
  })

  it('cancels waiting and running jobs, and not ended ones', async (queue) => {
    const held = heldJobs()
    queue.process('held', held.handler)
    const running = await queue.add('held', 'key', {})
    await until(() => held.started.length === 1)
    const waiting = await queue.add('held', 'key', {})
    assert.equal(await queue.cancel(waiting.id), true)
    assert.equal((await queue.get(waiting.id))?.state, 'cancelled')
    assert.equal(await queue.cancel(running.id), true)
    assert.equal((await queue.get(running.id))?.state, 'cancelled')
    assert.equal(await queue.cancel(running.id), false)
    assert.equal(await queue.cancel('unknown'), false)
    assert.deepEqual(held.started, ['key'])
    assert.equal((await queue.follow(running.id, ignore)).error, null)
  })

  it('tries again, after longer and longer pauses, what may pass', async (queue) => {
    queue.process('away', failing(2), RETRIES)
    const added = await queue.add('away', 'key', {})
    const began = performance.now()
    const told: JobProgress[] = []
    const job = await queue.follow(added.id, (progress) => told.push(progress))
    assert.deepEqual([job.state, job.attempts, job.failures], ['done', 3, 2])
    assert.deepEqual([job.result, job.error, job.retryAt], [{ after: 2 }, null, null])
    // A timer may be a millisecond early.
    assert.ok(performance.now() - began >= 3 * RETRIES.pauseMs - 2, 'the pauses are kept')
    assert.deepEqual(
      told.map(({ step, done, total }) => [step, done, total]),
      [1, 2].map((n) => ['retry', n, 2]),
    )
    assert.match(told[0]?.note ?? '', /^SERVER_UNREACHABLE: .+ Tried again in 1 s \(1 of 2\)\.$/)
  })

  it('gives up after the last attempt, and at once what does not pass', async (queue) => {
    queue.process('away', failing(99), RETRIES)
    const away = await queue.follow((await queue.add('away', 'key', {})).id, ignore)
    assert.deepEqual([away.state, away.attempts, away.failures], ['failed', 3, 2])
    assert.deepEqual([away.error?.code, away.retryAt], ['SERVER_UNREACHABLE', null])
    const wrong = async (): Promise<JsonObject> => {
      throw new MillraceError('DISK_FULL', { what: 'x' })
    }
    queue.process('wrong', wrong, RETRIES)
    const failed = await queue.follow((await queue.add('wrong', 'other', {})).id, ignore)
    assert.deepEqual([failed.state, failed.attempts, failed.failures], ['failed', 1, 0])
    queue.process('once', failing(99))
    const once = await queue.follow((await queue.add('once', 'third', {})).id, ignore)
    assert.deepEqual([once.state, once.attempts], ['failed', 1])
  })

  it('keeps a key for a job that will be tried again, until it is cancelled', async (queue) => {
    const isTheFirst = new Set<string>()
    queue.process(
      'away',
      async ({ job }) => {
        isTheFirst.add(job.id)
        return isTheFirst.size === 1 ? failing(1)({} as JobContext) : {}
      },
      { ...RETRIES, pauseMs: 60_000 },
    )
    const { id } = await queue.add('away', 'key', {})
    await until(async () => (await queue.get(id))?.retryAt !== null)
    const waits = await queue.get(id)
    assert.deepEqual(
      [waits?.state, waits?.failures, waits?.error?.code],
      ['waiting', 1, 'SERVER_UNREACHABLE'],
    )
    assert.ok((waits?.retryAt ?? 0) > Date.now() + 30_000)
    assert.equal((await queue.add('away', 'key', {})).id, id, 'who asks now has this job')
    await settled()
    assert.equal(isTheFirst.size, 1)
    assert.equal(await queue.cancel(id), true)
    assert.equal((await queue.get(id))?.state, 'cancelled')
    const next = await queue.follow((await queue.add('away', 'key', {})).id, ignore)
    assert.equal(next.state, 'done')
  })

  it('tells that a job is over when it ended before the cancel took hold', async (queue) => {
    const held = Promise.withResolvers<void>()
    let isRunning = false
    queue.process('deaf', async () => {
      isRunning = true
      await held.promise
      return {}
    })
    const { id } = await queue.add('deaf', 'key', {})
    await until(() => isRunning)
    const cancelled = queue.cancel(id)
    held.resolve()
    assert.equal(await cancelled, false)
    assert.equal((await queue.get(id))?.state, 'done')
  })

  it('lists newest first, and knows no other jobs', async (queue) => {
    const ids: string[] = []
    for (const key of ['a', 'b', 'c']) ids.push((await queue.add('later', key, {})).id)
    assert.deepEqual(
      (await queue.list(2)).map(({ id }) => id),
      [ids[2], ids[1]],
    )
    assert.equal(await queue.get('unknown'), null)
    await assert.rejects(queue.follow('unknown', ignore), (error: unknown) => {
      return error instanceof MillraceError && error.code === 'JOB_NOT_FOUND'
    })
  })

  it('keeps a bounded history', async (queue) => {
    const waiting = await queue.add('never', 'never', {})
    queue.process('quick', async () => ({}))
    const jobs: Job[] = []
    for (let i = 0; i < JOBS_KEPT + 10; i++) jobs.push(await queue.add('quick', `key-${i}`, {}))
    await Promise.all(jobs.map(({ id }) => queue.follow(id, ignore).catch(ignore)))
    await until(async () => (await queue.list(1000)).length === JOBS_KEPT + 1)
    const kept = await queue.list(1000)
    assert.equal(kept.length, JOBS_KEPT + 1)
    assert.ok(kept.some(({ id }) => id === waiting.id))
    assert.ok(kept.some(({ id }) => id === jobs.at(-1)?.id))
  })

  it('is well, and closes while jobs run', async (queue) => {
    assert.equal((await queue.health()).status, 'ok')
    const held = heldJobs()
    queue.process('held', held.handler)
    await queue.add('held', 'key', {})
    await until(() => held.started.length === 1)
    await queue.close()
    await queue.close()
    assert.deepEqual(held.started, ['key'])
  })

  if (factory.supports.reopen) {
    it('has its jobs after it was opened again, and goes on from the checkpoint', async (queue, {
      reopen,
    }) => {
      assert.ok(reopen)
      queue.process('done', async () => ({ a: 1 }))
      const done = await queue.follow((await queue.add('done', 'done', {})).id, ignore)
      const saved = Promise.withResolvers<void>()
      queue.process('long', async ({ checkpoint, signal }) => {
        await checkpoint({ line: 7 })
        saved.resolve()
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')))
        })
      })
      const long = await queue.add('long', 'key', { file: 'x' })
      await saved.promise
      const behind = await queue.add('long', 'key', { file: 'y' })
      const again = await reopen()
      assert.deepEqual(await again.get(done.id), done)
      const order: string[] = []
      again.process('long', async ({ job }) => {
        order.push(job.id)
        return { from: job.checkpoint, attempts: job.attempts }
      })
      const resumed = await again.follow(long.id, ignore)
      assert.deepEqual(resumed.result, { from: { line: 7 }, attempts: 2 })
      await again.follow(behind.id, ignore)
      assert.deepEqual(order, [long.id, behind.id])
      assert.notEqual((await again.add('done', 'done', {})).id, done.id)
    })

    it('tries a job again after it was opened again', async (queue, { reopen }) => {
      assert.ok(reopen)
      queue.process('away', failing(1), { ...RETRIES, pauseMs: 1000 })
      const { id } = await queue.add('away', 'key', {})
      await until(async () => (await queue.get(id))?.retryAt !== null)
      const due = (await queue.get(id))?.retryAt ?? 0
      const again = await reopen()
      assert.equal((await again.get(id))?.state, 'waiting')
      let started = 0
      again.process('away', async () => {
        started = Date.now()
        return {}
      })
      const job = await again.follow(id, ignore)
      assert.deepEqual([job.state, job.attempts, job.failures], ['done', 2, 1])
      assert.ok(started >= due - 2, 'not before its time')
    })
  }
}
