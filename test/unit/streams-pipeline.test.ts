import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MillraceError } from '#ports/errors'
import type { Telemetry } from '#ports/telemetry'
import type { DeadLetter } from '#schemas/dead-letter'
import { emptyWatermark, type Watermark } from '#schemas/position'
import type { Placed } from '#schemas/record'
import { type Refusal, runPipeline, type Sink } from '../../streams/pipeline.ts'
import { createManualClock } from '../support/memory/clock.ts'
import { createMemoryLog } from '../support/memory/log.ts'
import { encoded, viewOf } from '../support/stream-records.ts'

interface Given {
  readonly partitions?: number
  /** Those that are read; all when it is not given. */
  readonly own?: readonly number[]
  readonly apply?: (records: readonly Placed[], upTo: Watermark) => Promise<readonly Refusal[]>
  readonly recover?: () => Promise<Watermark>
  readonly from?: Watermark
  readonly batchBytes?: number
}

const until = async (done: () => boolean): Promise<void> => {
  for (let i = 0; i < 10_000 && !done(); i++) await new Promise((resolve) => setImmediate(resolve))
  assert.ok(done(), 'it did not come to pass')
}

function given(options: Given = {}) {
  const log = createMemoryLog({ partitions: options.partitions ?? 1 })
  const clock = createManualClock()
  const stop = new AbortController()
  const drain = new AbortController()
  const taken: string[] = []
  const applied: Watermark[] = []
  const letters: DeadLetter[] = []
  const troubles: (string | null)[] = []
  const failures: string[] = []
  let stopped = 0
  const telemetry: Telemetry = {
    emit: (metric) => failures.push(metric),
    log: () => {},
  }
  const sink: Sink = {
    name: 'store',
    start: async () => options.from ?? emptyWatermark(log.partitions),
    apply: async (records, upTo) => {
      const refusals = (await options.apply?.(records, upTo)) ?? []
      for (const { record } of records) {
        if (record.kind === 'event') taken.push(record.event.targetEntityId ?? '')
      }
      return refusals
    },
    ...(options.recover ? { recover: options.recover } : {}),
    stop: async () => {
      stopped++
    },
  }
  const run = (): ReturnType<typeof runPipeline> =>
    runPipeline({
      sink,
      log,
      clock,
      telemetry,
      signal: stop.signal,
      drain: drain.signal,
      deadLetter: async (letter) => {
        letters.push(letter)
      },
      onApplied: (progress) => applied.push(progress.applied),
      onTrouble: (error) => troubles.push(error?.code ?? null),
      ...(options.own ? { partitions: options.own } : {}),
      ...(options.batchBytes ? { batchBytes: options.batchBytes } : {}),
    })
  return {
    log,
    clock,
    stop,
    drain,
    taken,
    applied,
    letters,
    troubles,
    failures,
    run,
    stopped: () => stopped,
  }
}

describe('pipeline', () => {
  it('applies records as they come and then moves the watermark', async () => {
    const { log, run, stop, taken, applied, stopped } = given()
    await log.append(0, encoded([viewOf('a'), viewOf('b')]))
    const end = run()
    await until(() => applied.length === 1)
    await log.append(0, encoded([viewOf('c')]))
    await until(() => applied.length === 2)
    stop.abort()
    assert.equal(await end, 'stopped')
    assert.deepEqual(taken, ['a', 'b', 'c'])
    assert.deepEqual(
      applied.map(({ offsets }) => offsets),
      [[2], [3]],
    )
    assert.equal(stopped(), 1)
  })

  it('refuses to begin when the sink is ahead of the log, and skips nothing', async () => {
    const { log, run, clock, stop, taken, applied, troubles } = given({
      from: { generation: 0, offsets: [3] },
    })
    await log.append(0, encoded([viewOf('a'), viewOf('b')]))
    const end = run()
    await until(() => troubles.length === 1 && clock.sleeping > 0)
    assert.deepEqual(troubles, ['LOG_BEHIND'])
    await log.append(0, encoded([viewOf('c'), viewOf('d')]))
    stop.abort()
    await end
    assert.deepEqual([taken, applied], [[], []])
  })

  it('begins where the sink says', async () => {
    const { log, run, drain, taken } = given({ from: { generation: 0, offsets: [1] } })
    await log.append(0, encoded([viewOf('a'), viewOf('b')]))
    drain.abort()
    await run()
    assert.deepEqual(taken, ['b'])
  })

  it('reads its own partitions and leaves the places of the others alone', async () => {
    const { log, run, drain, taken, applied } = given({
      partitions: 4,
      own: [1, 3],
      from: { generation: 0, offsets: [7, 0, 9, 1] },
    })
    for (let p = 0; p < 4; p++) await log.append(p, encoded([viewOf(`${p}a`), viewOf(`${p}b`)]))
    drain.abort()
    await run()
    assert.deepEqual(taken, ['1a', '1b', '3b'])
    assert.deepEqual(applied.at(-1)?.offsets, [7, 2, 9, 2])
  })

  it('reads nothing when it has no partitions, and ends when it is told', async () => {
    const { log, run, stop, taken } = given({ partitions: 2, own: [] })
    await log.append(0, encoded([viewOf('a')]))
    const end = run()
    await new Promise((resolve) => setImmediate(resolve))
    stop.abort()
    assert.equal(await end, 'stopped')
    assert.deepEqual(taken, [])
  })

  it('reads every partition and keeps batches small', async () => {
    const { log, run, drain, taken, applied } = given({ partitions: 3, batchBytes: 300 })
    for (let p = 0; p < 3; p++) {
      await log.append(p, encoded(Array.from({ length: 5 }, (_, i) => viewOf(`${p}${i}`))))
    }
    drain.abort()
    await run()
    assert.equal(taken.length, 15)
    assert.equal(applied.length, 5)
    assert.deepEqual(applied.at(-1)?.offsets, [5, 5, 5])
    for (let p = 0; p < 3; p++) {
      assert.deepEqual(
        taken.filter((item) => item.startsWith(`${p}`)),
        [0, 1, 2, 3, 4].map((i) => `${p}${i}`),
      )
    }
  })

  it('drains what is there and ends', async () => {
    const { log, run, drain, taken } = given({ batchBytes: 1 })
    await log.append(0, encoded([viewOf('a'), viewOf('b'), viewOf('c')]))
    drain.abort()
    assert.equal(await run(), 'stopped')
    assert.deepEqual(taken, ['a', 'b', 'c'])
  })

  it('tries a failed batch again with growing waits and skips nothing', async () => {
    let failing = 3
    const { log, clock, run, drain, taken, applied, troubles, failures } = given({
      apply: async () => {
        if (failing-- > 0) throw new MillraceError('STORE_FAILED', { reason: 'test' })
        return []
      },
    })
    await log.append(0, encoded([viewOf('a')]))
    const end = run()
    for (const ms of [50, 100, 200]) {
      await until(() => clock.sleeping === 1)
      clock.advance(ms - 1)
      assert.equal(clock.sleeping, 1, `it woke before ${ms} ms`)
      assert.equal(applied.length, 0)
      clock.advance(1)
    }
    await until(() => applied.length === 1)
    drain.abort()
    await end
    assert.deepEqual(taken, ['a'])
    assert.deepEqual(troubles, ['STORE_FAILED', 'STORE_FAILED', 'STORE_FAILED', null])
    assert.equal(failures.filter((m) => m === 'millrace_sink_failures_total').length, 3)
  })

  it('goes on where the sink says after a failure that lost more than the batch', async () => {
    let calls = 0
    const { log, clock, run, drain, taken } = given({
      batchBytes: 1,
      apply: async () => {
        if (++calls === 3) throw new MillraceError('DISK_FULL')
        return []
      },
      recover: async () => ({ generation: 0, offsets: [1] }),
    })
    await log.append(0, encoded([viewOf('a'), viewOf('b'), viewOf('c')]))
    drain.abort()
    const end = run()
    await until(() => clock.sleeping === 1)
    clock.advance(50)
    await end
    assert.deepEqual(taken, ['a', 'b', 'b', 'c'])
  })

  it('counts and buries what it cannot read once, however often a sink that recovers reads it again', async () => {
    let calls = 0
    const { log, run, drain, clock, letters, taken } = given({
      apply: async () => {
        if (++calls < 5) throw new MillraceError('DISK_FULL')
        return []
      },
      recover: async () => emptyWatermark(1),
    })
    const rubbish = Array.from({ length: 15 }, () => Buffer.from('rubbish'))
    await log.append(0, [...rubbish, ...encoded([viewOf('a')])])
    drain.abort()
    const end = run()
    for (let failure = 1; failure < 5; failure++) {
      await until(() => calls === failure && clock.sleeping === 1)
      clock.advance(60_000)
    }
    assert.equal(await end, 'stopped')
    assert.equal(letters.length, 15)
    assert.deepEqual(taken, ['a'])
  })

  it('breaks when the sink refuses more than 20 of 1,000, and not by refusals by the rules', async () => {
    const refuseAll = (code: 'STORE_FAILED' | 'EVENT_ID_REUSED') =>
      given({
        apply: async (records) =>
          records.map((its) => ({ placed: its, code, message: 'not this one' })),
        batchBytes: 1,
      })
    const many = encoded(Array.from({ length: 30 }, (_, i) => viewOf(`i${i}`)))
    const broken = refuseAll('STORE_FAILED')
    for (const value of many) await broken.log.append(0, [value])
    assert.equal(await broken.run(), 'broken')
    assert.equal(broken.letters.length, 21)
    assert.equal(broken.applied.at(-1)?.offsets[0], 21)
    const ruled = refuseAll('EVENT_ID_REUSED')
    for (const value of many) await ruled.log.append(0, [value])
    ruled.drain.abort()
    assert.equal(await ruled.run(), 'stopped')
    assert.equal(ruled.letters.length, 30)
  })

  it('puts what it cannot read into dead letters and goes on', async () => {
    const { log, run, drain, taken, letters, applied } = given()
    const poison = Buffer.from('no record')
    const [a, b] = encoded([viewOf('a'), viewOf('b')]) as [Buffer, Buffer]
    await log.append(0, [a, poison, b])
    drain.abort()
    await run()
    assert.deepEqual(taken, ['a', 'b'])
    assert.deepEqual(applied.at(-1)?.offsets, [3])
    assert.equal(letters.length, 1)
    assert.equal(letters[0]?.reason, 'RECORD_UNREADABLE')
    assert.equal(letters[0]?.offset, 1)
    assert.deepEqual(Buffer.from(letters[0]?.value ?? '', 'base64'), poison)
  })

  it('puts what the sink refuses into dead letters, after the batch', async () => {
    const { log, run, drain, letters } = given({
      apply: async (records) => [
        { placed: records[0] as Placed, code: 'EVENT_ID_REUSED', message: 'taken' },
      ],
    })
    const values = encoded([viewOf('a'), viewOf('b')])
    await log.append(0, values)
    drain.abort()
    await run()
    assert.equal(letters.length, 1)
    assert.equal(letters[0]?.reason, 'EVENT_ID_REUSED')
    assert.deepEqual(Buffer.from(letters[0]?.value ?? '', 'base64'), values[0])
  })

  it('stops before the batch when more than 20 of 1,000 are unreadable', async () => {
    const { log, run, applied, letters, stopped } = given()
    const poison = Buffer.from('no record')
    await log.append(0, [...encoded([viewOf('a')]), ...new Array<Buffer>(21).fill(poison)])
    assert.equal(await run(), 'broken')
    assert.deepEqual(applied, [])
    assert.deepEqual(letters, [])
    assert.equal(stopped(), 1)
  })

  it('stops in the middle of a back-off', async () => {
    const { log, clock, run, stop, taken } = given({
      apply: async () => {
        throw new MillraceError('STORE_FAILED', { reason: 'test' })
      },
    })
    await log.append(0, encoded([viewOf('a')]))
    const end = run()
    await until(() => clock.sleeping === 1)
    stop.abort()
    assert.equal(await end, 'stopped')
    assert.deepEqual(taken, [])
  })
})
