// What every log must do, whichever backend it is. A backend hands in how to open one and what it can.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { MillraceError } from '#ports/errors'
import type { Log, LogReader } from '#ports/log'

export interface LogSupports {
  /** More than one partition. */
  readonly partitions: boolean
  /** What was appended is there after closing and opening again. */
  readonly reopen: boolean
  /** A reader beside the log, as another thread has it. */
  readonly sharedReader: boolean
  /** A record is seen by nobody before its append resolves: on a server it is durable a moment earlier. */
  readonly hiddenUntilResolved: boolean
}

export interface LogUnderTest {
  readonly log: Log
  /** Opens the same log again after `log.close()`. */
  readonly reopen?: () => Promise<Log>
  readonly openReader?: () => Promise<LogReader>
}

export interface LogFactory {
  readonly name: string
  readonly supports: LogSupports
  /** A new, empty log; released by `t.after`. */
  readonly open: (t: TestContext) => Promise<LogUnderTest>
}

const bytes = (text: string): Buffer => Buffer.from(text)
const never = new AbortController().signal

/** All values from `from` on, as text, read `maxBytes` at a time; checks offsets on the way. */
export async function readAll(
  reader: LogReader,
  options: { partition?: number; from?: number; maxBytes?: number } = {},
): Promise<string[]> {
  const { partition = 0, from = 0, maxBytes = 1000 } = options
  const values: string[] = []
  let next = from
  for (;;) {
    const batch = await reader.read(partition, next, maxBytes)
    if (batch.records.length === 0) {
      assert.equal(batch.next, next)
      return values
    }
    for (const { offset, value } of batch.records) {
      assert.equal(offset, next++)
      values.push(Buffer.from(value).toString())
    }
    assert.equal(batch.next, next)
  }
}

const code =
  (wanted: string) =>
  (error: unknown): boolean =>
    error instanceof MillraceError && error.code === wanted

export function logSuite(factory: LogFactory): void {
  const { supports } = factory
  const it = (
    name: string,
    run: (subject: LogUnderTest, t: TestContext) => Promise<void>,
  ): void => {
    test(`log (${factory.name}): ${name}`, async (t) => run(await factory.open(t), t))
  }

  it('is empty at first', async ({ log }) => {
    assert.equal(await log.end(0), 0)
    assert.equal(await log.start(0), 0)
    assert.deepEqual(await log.read(0, 0, 100), { records: [], next: 0 })
  })

  it('gives the records of one append consecutive offsets in their order', async ({ log }) => {
    assert.deepEqual(await log.append(0, [bytes('a'), bytes('b'), bytes('')]), {
      generation: 0,
      partition: 0,
      offset: 0,
    })
    assert.equal((await log.append(0, [bytes('d')])).offset, 3)
    assert.equal(await log.end(0), 4)
    assert.deepEqual(await readAll(log), ['a', 'b', '', 'd'])
    assert.deepEqual(await readAll(log, { from: 1, maxBytes: 1 }), ['b', '', 'd'])
    assert.deepEqual(await readAll(log, { from: 3 }), ['d'])
  })

  it('shows no record before its append is durable', async ({ log }) => {
    const appended = log.append(0, [bytes('a')])
    if (supports.hiddenUntilResolved) {
      assert.equal(await log.end(0), 0)
      assert.equal((await log.read(0, 0, 100)).records.length, 0)
    }
    await appended
    assert.equal(await log.end(0), 1)
    assert.equal((await log.read(0, 0, 100)).records.length, 1)
  })

  it('keeps concurrent appends whole and in the order of their calls', async ({ log }) => {
    const positions = await Promise.all(
      Array.from({ length: 500 }, (_, i) => log.append(0, [bytes(`${i}a`), bytes(`${i}b`)])),
    )
    assert.deepEqual(
      positions.map(({ offset }) => offset),
      positions.map((_, i) => i * 2),
    )
    assert.deepEqual(
      await readAll(log),
      positions.flatMap((_, i) => [`${i}a`, `${i}b`]),
    )
  })

  it('takes an append of nothing', async ({ log }) => {
    await log.append(0, [bytes('a')])
    assert.equal((await log.append(0, [])).offset, 1)
    assert.equal(await log.end(0), 1)
  })

  it('takes large values and an append of many bytes', async ({ log }) => {
    const large = Buffer.alloc(6_000_000, 'x')
    const many = Array.from({ length: 3000 }, (_, i) => Buffer.alloc(2000, `${i} `))
    const [first, second, third] = await Promise.all([
      log.append(0, [large]),
      log.append(0, many),
      log.append(0, [bytes('last')]),
    ])
    assert.deepEqual([first.offset, second.offset, third.offset], [0, 1, 3001])
    let next = 0
    while (next < 3002) {
      const batch = await log.read(0, next, 100_000)
      for (const { offset, value } of batch.records) {
        const wanted = offset === 0 ? large : offset === 3001 ? bytes('last') : many[offset - 1]
        assert.ok(wanted?.equals(value), `record ${offset}`)
      }
      next = batch.next
    }
    assert.equal(next, 3002)
  })

  it('returns at least one record and not much more than asked for', async ({ log }) => {
    for (let i = 0; i < 20; i++) await log.append(0, [Buffer.alloc(100, 'x')])
    assert.equal((await log.read(0, 0, 1)).records.length, 1)
    const { records } = await log.read(0, 5, 300)
    assert.ok(records.length >= 3 && records.length <= 4, `${records.length} records`)
    assert.equal(records[0]?.offset, 5)
  })

  it('waits for the end to move, in any number of waits', async ({ log }) => {
    const woken: number[] = []
    const wait = async (offset: number): Promise<void> => {
      await log.waitFor(0, offset, never)
      woken.push(offset)
    }
    const waits = [wait(0), wait(0), wait(1)]
    await log.append(0, [bytes('a')])
    await Promise.all(waits.slice(0, 2))
    assert.deepEqual(woken, [0, 0])
    await log.append(0, [bytes('b')])
    await waits[2]
    await log.waitFor(0, 1, never)
    assert.deepEqual(woken, [0, 0, 1])
  })

  it('ends a wait when the signal aborts or the log is closed', async ({ log }) => {
    const abort = new AbortController()
    const wait = log.waitFor(0, 0, abort.signal)
    abort.abort()
    await wait
    await log.waitFor(0, 0, abort.signal)
    const other = log.waitFor(0, 0, never)
    await log.close()
    await other
    await log.close()
  })

  it('refuses reads and appends once it is closed', async ({ log }) => {
    await log.append(0, [bytes('a')])
    await log.close()
    await assert.rejects(log.append(0, [bytes('b')]), code('LOG_UNAVAILABLE'))
    await assert.rejects(log.read(0, 0, 100), code('LOG_UNAVAILABLE'))
    assert.equal(await log.end(0), 1)
    await log.waitFor(0, 1, never)
  })

  it('trims what is below, keeps the end and refuses reads below the start', async ({ log }) => {
    for (let i = 0; i < 10; i++) await log.append(0, [bytes(`${i}`)])
    await log.trim(0, 4)
    const start = await log.start(0)
    assert.ok(start > 0 && start <= 4, `start ${start}`)
    assert.equal(await log.end(0), 10)
    assert.deepEqual((await readAll(log, { from: 4 })).join(''), '456789')
    await assert.rejects(log.read(0, start - 1, 100), code('LOG_TRIMMED'))
    await log.trim(0, 2)
    assert.equal(await log.start(0), start)
    await log.trim(0, 1000)
    assert.equal(await log.end(0), 10)
    assert.equal((await log.append(0, [bytes('next')])).offset, 10)
    assert.deepEqual(await readAll(log, { from: 10 }), ['next'])
  })

  it('refuses a partition that it does not have', async ({ log }) => {
    await assert.rejects(log.append(log.partitions, [bytes('a')]), RangeError)
    await assert.rejects(log.read(-1, 0, 1), RangeError)
  })

  it('is well', async ({ log }) => {
    assert.equal((await log.health()).status, 'ok')
  })

  if (supports.partitions) {
    it('counts each partition by itself', async ({ log }) => {
      const last = log.partitions - 1
      assert.ok(last > 0)
      await log.append(0, [bytes('a'), bytes('b')])
      assert.deepEqual(await log.append(last, [bytes('c')]), {
        generation: 0,
        partition: last,
        offset: 0,
      })
      assert.deepEqual(await readAll(log, { partition: last }), ['c'])
      await log.trim(last, 1)
      assert.equal(await log.start(0), 0)
    })
  }

  if (supports.reopen) {
    it('has everything after it was closed and opened again', async ({ log, reopen }) => {
      assert.ok(reopen)
      for (let i = 0; i < 5; i++) await log.append(0, [bytes(`${i}`), bytes(`${i}'`)])
      await log.trim(0, 4)
      const last = log.append(0, [bytes('last')])
      await log.close()
      assert.equal((await last).offset, 10)
      const again = await reopen()
      assert.deepEqual([await again.start(0), await again.end(0)], [4, 11])
      assert.deepEqual((await readAll(again, { from: 4 })).join(' '), "2 2' 3 3' 4 4' last")
      assert.equal((await again.append(0, [bytes('more')])).offset, 11)
    })

    it('keeps the end when all was trimmed and it is opened again', async ({ log, reopen }) => {
      assert.ok(reopen)
      for (let i = 0; i < 5; i++) await log.append(0, [bytes(`${i}`)])
      await log.trim(0, 5)
      await log.close()
      assert.equal(await (await reopen()).end(0), 5)
    })
  }

  if (supports.sharedReader) {
    it('is read by a reader beside it, as far as it is durable', async ({ log, openReader }, t) => {
      assert.ok(openReader)
      await log.append(0, [bytes('before')])
      const reader = await openReader()
      t.after(() => reader.close())
      assert.deepEqual(await readAll(reader), ['before'])
      for (let i = 1; i < 50; i++) {
        const wait = reader.waitFor(0, i, never)
        const appended = log.append(0, [bytes(`${i}`)])
        if (supports.hiddenUntilResolved) {
          assert.equal(await reader.end(0), i)
          assert.equal((await reader.read(0, i, 100)).records.length, 0)
        }
        await Promise.all([wait, appended])
        assert.deepEqual(await readAll(reader, { from: i }), [`${i}`])
      }
      await log.trim(0, 10)
      assert.equal(await reader.start(0), 10)
      await assert.rejects(reader.read(0, 9, 100), code('LOG_TRIMMED'))
      await reader.close()
      await reader.close()
      await assert.rejects(reader.read(0, 10, 100), code('LOG_UNAVAILABLE'))
      assert.equal((await log.append(0, [bytes('after')])).offset, 50)
    })
  }
}
