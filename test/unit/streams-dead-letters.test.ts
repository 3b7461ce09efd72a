// Refused records and crashes: each has one letter, whatever moment a sink dies at.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentTelemetry, type Telemetry } from '#ports/telemetry'
import type { DeadLetter } from '#schemas/dead-letter'
import { createLetterTally, newestLetters } from '../../infra/wiring/dead-letters.ts'
import { createLetterBox } from '../../infra/wiring/letter-box.ts'
import { runPipeline, type Sink } from '../../streams/pipeline.ts'
import { createStoreSink } from '../../streams/store-sink.ts'
import { createManualClock } from '../support/memory/clock.ts'
import { createMemoryEvents, createMemoryStoreWriter } from '../support/memory/event-store.ts'
import { createMemoryLog } from '../support/memory/log.ts'
import { encoded, viewOf } from '../support/stream-records.ts'
import { until } from '../support/until.ts'

const clock = createManualClock()
const telemetry = silentTelemetry
/** What a crash looks like from inside: the step never ends. */
const never = new Promise<never>(() => {})

async function given() {
  const log = createMemoryLog()
  const deadLetters = createMemoryLog()
  const events = createMemoryEvents()
  const first = viewOf('a', { eventId: 'e' })
  const others = ['b', 'c'].map((item) => viewOf(item, { eventId: 'e', appendId: item }))
  await log.append(0, encoded([first, ...others]))
  return {
    log,
    deadLetters,
    storeSink: (changed: Partial<Sink> = {}): Sink => ({
      ...createStoreSink({ writer: createMemoryStoreWriter(events), clock }),
      ...changed,
    }),
    /** Runs a sink to the end of the log, or into its crash. */
    run: (sink: Sink, put: (letter: DeadLetter) => Promise<void>) => {
      const drain = new AbortController()
      drain.abort()
      return runPipeline({
        ...{ sink, log, clock, telemetry, deadLetter: put, onApplied: () => {} },
        signal: new AbortController().signal,
        drain: drain.signal,
      })
    },
    found: async () => {
      const found = await newestLetters(deadLetters, 100, null)
      return found.map(({ letter }) => `${letter.offset} ${letter.reason}`)
    },
    counted: async () => Object.fromEntries(await createLetterTally(deadLetters).counts()),
  }
}

const LETTERS = ['2 EVENT_ID_REUSED', '1 EVENT_ID_REUSED']
const COUNTS = { EVENT_ID_REUSED: { letters: 2, resent: 0 } }

describe('a refused record', () => {
  it('has its letter after a crash between the store and the letter', async () => {
    const { deadLetters, storeSink, run, found, counted } = await given()
    let asked = false
    void run(storeSink(), () => {
      asked = true
      return never
    })
    await until(() => asked)
    assert.equal(await deadLetters.end(0), 0)
    await run(storeSink(), createLetterBox(deadLetters, telemetry).put)
    assert.deepEqual(await found(), LETTERS)
    assert.deepEqual(await counted(), COUNTS)
  })

  it('has one letter after a crash between the letters and the word that they are durable', async () => {
    const { deadLetters, storeSink, run, found, counted } = await given()
    let asked = false
    const dies = storeSink({
      buried: () => {
        asked = true
        return never
      },
    })
    void run(dies, createLetterBox(deadLetters, telemetry).put)
    await until(() => asked)
    assert.equal(await deadLetters.end(0), 2)
    await run(storeSink(), createLetterBox(deadLetters, telemetry).put)
    assert.deepEqual(await found(), LETTERS)
    assert.deepEqual(await counted(), COUNTS)
    await run(storeSink(), createLetterBox(deadLetters, telemetry).put)
    assert.equal(await deadLetters.end(0), 4, 'what was buried is not buried again')
  })

  it('has one letter after a crash between two letters', async () => {
    const { deadLetters, storeSink, run, found } = await given()
    const box = createLetterBox(deadLetters, telemetry)
    let asked = false
    void run(storeSink(), (letter) => {
      if (letter.offset === 1) return box.put(letter)
      asked = true
      return never
    })
    await until(() => asked)
    await run(storeSink(), createLetterBox(deadLetters, telemetry).put)
    assert.deepEqual(await found(), LETTERS)
  })

  it('has one letter when two sinks cannot read it, and is counted once', async () => {
    const { log, deadLetters, storeSink, run, found } = await given()
    await log.append(0, [Buffer.from('?'), Buffer.from('??')])
    const counts: string[] = []
    const counting: Telemetry = {
      ...telemetry,
      emit: (metric, value, labels) => counts.push(`${metric} ${value} ${JSON.stringify(labels)}`),
    }
    const box = createLetterBox(deadLetters, counting)
    const other: Sink = {
      name: 'archive',
      start: async () => ({ generation: 0, offsets: [0] }),
      apply: async () => [],
      stop: async () => {},
    }
    await Promise.all([run(storeSink(), box.put), run(other, box.put)])
    const unreadable = ['4 RECORD_UNREADABLE', '3 RECORD_UNREADABLE']
    assert.deepEqual((await found()).sort(), [...LETTERS, ...unreadable].sort())
    assert.equal(await deadLetters.end(0), 4)
    const counted = (reason: string) =>
      `millrace_dead_letters_total 1 ${JSON.stringify({ reason })}`
    assert.deepEqual(
      counts.filter((line) => line === counted('RECORD_UNREADABLE')).length,
      unreadable.length,
    )
  })

  it('is written again when the first writing failed', async () => {
    const { deadLetters } = await given()
    let full = true
    const box = createLetterBox(
      {
        ...deadLetters,
        append: (partition, values) =>
          full ? Promise.reject(new Error('full')) : deadLetters.append(partition, values),
      },
      telemetry,
    )
    const letter: DeadLetter = {
      ...{ time: 1, reason: 'RECORD_UNREADABLE', message: 'why', sink: 'store', value: 'AAAA' },
      ...{ generation: 0, partition: 0, offset: 7 },
    }
    await assert.rejects(box.put(letter), /full/)
    full = false
    await Promise.all([box.put(letter), box.put(letter)])
    assert.equal(await deadLetters.end(0), 1)
  })
})
