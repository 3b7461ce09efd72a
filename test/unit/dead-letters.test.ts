import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type DeadLetter,
  decodeDeadLetter,
  decodeDeadLetterEntry,
  encodeDeadLetter,
  type ResentMark,
} from '#schemas/dead-letter'
import { createLetterTally, letterAt, newestLetters } from '../../infra/wiring/dead-letters.ts'
import { createMemoryLog } from '../support/memory/log.ts'

const letter = (offset: number, reason = 'EVENT_ID_REUSED'): DeadLetter => ({
  time: 1000 + offset,
  reason,
  message: 'why',
  sink: 'store',
  generation: 0,
  partition: 0,
  offset,
  value: 'AAAA',
})

const mark = (at: number, again = false, reason = 'EVENT_ID_REUSED'): ResentMark => ({
  kind: 'resent',
  time: 2000 + at,
  letter: at,
  reason,
  again,
  mended: false,
  eventId: `again-${at}`,
  generation: 0,
  partition: 0,
  offset: 99,
})

async function logOf(...entries: readonly (DeadLetter | ResentMark)[]) {
  const log = createMemoryLog()
  await log.append(0, entries.map(encodeDeadLetter))
  return log
}

describe('entries of the dead-letter log', () => {
  it('are read as what they were written', () => {
    assert.deepEqual(decodeDeadLetterEntry(encodeDeadLetter(letter(3))), letter(3))
    assert.deepEqual(decodeDeadLetterEntry(encodeDeadLetter(mark(3))), mark(3))
    assert.equal(decodeDeadLetter(encodeDeadLetter(mark(3))), null)
  })

  it('that are none of ours are null', () => {
    for (const text of [
      '',
      'null',
      '{}',
      '[1]',
      '{"kind":"resent","reason":"X"}',
      '{"reason":1}',
    ]) {
      assert.equal(decodeDeadLetterEntry(Buffer.from(text)), null, text)
    }
  })
})

describe('the newest letters', () => {
  it('come newest first, as many as asked for, with what was sent again', async () => {
    const log = await logOf(letter(10), letter(11), mark(1), letter(12), mark(0))
    const found = await newestLetters(log, 2, null)
    assert.deepEqual(
      found.map(({ at, resent }) => [at, resent?.eventId ?? null]),
      [
        [3, null],
        [1, 'again-1'],
      ],
    )
  })

  it('can be those of one reason', async () => {
    const log = await logOf(letter(1), letter(2, 'RECORD_UNREADABLE'), letter(3))
    const found = await newestLetters(log, 10, 'RECORD_UNREADABLE')
    assert.deepEqual(
      found.map(({ letter: { offset } }) => offset),
      [2],
    )
  })

  it('are none in an empty log, and bytes of others are passed over', async () => {
    const log = createMemoryLog()
    assert.deepEqual(await newestLetters(log, 5, null), [])
    await log.append(0, [Buffer.from('what is this?'), encodeDeadLetter(letter(1))])
    assert.deepEqual(
      (await newestLetters(log, 5, null)).map(({ at }) => at),
      [1],
    )
  })
})

describe('one letter', () => {
  it('is found by its offset, with its newest mark', async () => {
    const log = await logOf(letter(10), letter(11), mark(1), { ...mark(1, true), eventId: 'last' })
    assert.equal((await letterAt(log, 0))?.resent, null)
    assert.deepEqual(await letterAt(log, 1), {
      at: 1,
      letter: letter(11),
      resent: { ...mark(1, true), eventId: 'last' },
    })
  })

  it('is not found where a mark, nothing or the end is', async () => {
    const log = await logOf(letter(10), mark(0))
    for (const at of [1, 2, 1000]) assert.equal(await letterAt(log, at), null)
  })
})

describe('the tally', () => {
  it('are shown and counted once when an inbox was read again after a crash', async () => {
    const inbox = (
      offset: number,
      partition: number,
      reason = 'RECORD_UNREADABLE',
    ): DeadLetter => ({
      ...letter(offset, reason),
      ...{ sink: 'inbox', topic: 'millrace.inbox.app-1', partition },
    })
    const first = [inbox(3, 0), inbox(4, 0, 'EVENT_NAME_EMPTY'), inbox(9, 1), inbox(5, 0)]
    // The batches of both partitions are handed over again, and one record more.
    const log = await logOf(...first, ...first, inbox(10, 1))
    const shown = await newestLetters(log, 20, null)
    assert.deepEqual(
      shown.map(({ letter: { partition, offset } }) => `${partition}/${offset}`),
      ['1/10', '0/5', '1/9', '0/4', '0/3'],
    )
    const counts = await createLetterTally(log).counts()
    assert.deepEqual(
      [...counts].map(([reason, { letters }]) => [reason, letters]),
      [
        ['RECORD_UNREADABLE', 4],
        ['EVENT_NAME_EMPTY', 1],
      ],
    )
  })

  it('counts letters by reason, each once as sent again, and goes on where it was', async () => {
    const log = await logOf(letter(1), letter(2, 'RECORD_UNREADABLE'), mark(0))
    const tally = createLetterTally(log)
    assert.deepEqual(Object.fromEntries(await tally.counts()), {
      EVENT_ID_REUSED: { letters: 1, resent: 1 },
      RECORD_UNREADABLE: { letters: 1, resent: 0 },
    })
    await log.append(0, [encodeDeadLetter(letter(3)), encodeDeadLetter(mark(0, true))])
    const [first, second] = await Promise.all([tally.counts(), tally.counts()])
    assert.deepEqual(first.get('EVENT_ID_REUSED'), { letters: 2, resent: 1 })
    assert.deepEqual(second, first)
  })
})
