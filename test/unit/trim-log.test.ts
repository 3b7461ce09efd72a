// Trimming the log: what is old and behind every sink goes, nothing else.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SinkName, Watermarks } from '#ports/watermarks'
import { trimLog } from '../../streams/trim-log.ts'
import { createManualClock } from '../support/memory/clock.ts'
import { createMemoryLog } from '../support/memory/log.ts'
import { encoded, viewOf } from '../support/stream-records.ts'

const HOUR = 3_600_000
const RECORDS = 100

const at = (offset: number) => ({ generation: 0, offsets: [offset] })

function watermarks(applied: Readonly<Record<SinkName, number>>): Watermarks {
  return { applied: (sink) => at(applied[sink]), waitFor: async () => true }
}

/** A record an hour, up to now. */
async function world(applied: Readonly<Record<SinkName, number>>, broken: readonly number[] = []) {
  const clock = createManualClock()
  const log = createMemoryLog()
  const first = clock.now() - RECORDS * HOUR
  const values = encoded(
    Array.from({ length: RECORDS }, (_, n) => viewOf('i', { creationTime: first + n * HOUR })),
  ).map((value, n) => (broken.includes(n) ? Buffer.from('unreadable') : value))
  await log.append(0, values)
  const trim = async (hours: number): Promise<number> => {
    const marks = watermarks(applied)
    await trimLog({ log, watermarks: marks, clock, retentionMs: hours * HOUR })
    return log.start(0)
  }
  return { log, trim }
}

const ALL = { store: RECORDS, index: RECORDS, archive: RECORDS }

describe('trimming the log', () => {
  it('lets go what is older than the retention', async () => {
    const { log, trim } = await world(ALL)
    assert.equal(await trim(24), RECORDS - 24)
    assert.equal(await log.end(0), RECORDS)
    await assert.rejects(log.read(0, 3, 100), { code: 'LOG_TRIMMED' })
    assert.equal(await trim(24), RECORDS - 24, 'no more the next time')
  })

  it('keeps what some sink has not applied, or the archive not published', async () => {
    for (const sink of ['store', 'index', 'archive'] as const) {
      const { trim } = await world({ ...ALL, [sink]: 30 })
      assert.equal(await trim(24), 30, sink)
    }
  })

  it('keeps all that is young, and all that nobody has read', async () => {
    const { trim } = await world(ALL)
    assert.equal(await trim(RECORDS + 1), 0)
    assert.equal(await (await world({ store: 0, index: 0, archive: 0 })).trim(1), 0)
  })

  it('takes what cannot be read to be as old as what follows', async () => {
    const { trim } = await world(ALL, [48, 49, 50, 51])
    assert.equal(await trim(24), RECORDS - 24)
    const border = await world(ALL, [RECORDS - 25])
    assert.equal(await border.trim(24), RECORDS - 25)
    const none = await world(
      ALL,
      Array.from({ length: RECORDS }, (_, n) => n),
    )
    assert.equal(await none.trim(24), 0, 'what is not known stays')
  })
})
