// When a training is due: given what is known of an engine, at a time, is one asked for?
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { ModelVersion, Schedule, VersionStatus } from '#schemas/directory'
import {
  cronFault,
  FAILED_PAUSE_MS,
  isTrainingDue,
  nextTraining,
  type ScheduleFacts,
  scheduleText,
  trainedUpTo,
} from '../../batch/schedule.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** A Thursday, 12:00 UTC. */
const NOON = Date.UTC(2026, 0, 1, 12)

function version(openedAt: number, status: VersionStatus = 'active', offset: number | null = 0) {
  const watermark = offset === null ? null : { generation: 0, offsets: [offset] }
  const its: ModelVersion = {
    id: `v${openedAt}`,
    engineId: 'shop',
    status,
    openedAt,
    closedAt: null,
    variant: {},
    watermark,
    reason: null,
    summary: null,
  }
  return its
}

function engine(schedule: Schedule | null, setAt: number, ...versions: ModelVersion[]) {
  return { schedule: schedule && { ...schedule, setAt }, versions }
}

const DAILY: Schedule = { type: 'cron', expression: '0 3 * * *' }
const SIX_HOURS: Schedule = { type: 'every', ms: 6 * HOUR }
const HUNDRED: Schedule = { type: 'after-events', count: 100 }

const cases: readonly (Partial<ScheduleFacts> & {
  readonly name: string
  readonly engine: ScheduleFacts['engine']
  readonly due: boolean
})[] = [
  { name: 'no schedule', engine: engine(null, 0), newEvents: 1e9, due: false },
  { name: 'cron: not yet', engine: engine(DAILY, NOON - 8 * HOUR), due: false },
  { name: 'cron: its time has passed', engine: engine(DAILY, NOON - 10 * HOUR), due: true },
  {
    name: 'cron: trained since its time',
    engine: engine(DAILY, NOON - DAY, version(NOON - 9 * HOUR)),
    due: false,
  },
  {
    name: 'cron: times before it was set are no missed ones',
    engine: engine(DAILY, NOON - 1, version(NOON - 100 * DAY)),
    due: false,
  },
  {
    name: 'every: the interval is not over',
    engine: engine(SIX_HOURS, 0, version(NOON - 6 * HOUR + 1)),
    due: false,
  },
  {
    name: 'every: the interval is over',
    engine: engine(SIX_HOURS, 0, version(NOON - 6 * HOUR)),
    due: true,
  },
  {
    name: 'every: a failed training counts as one',
    engine: engine(SIX_HOURS, 0, version(NOON - HOUR, 'failed'), version(NOON - DAY)),
    due: false,
  },
  { name: 'every: busy', engine: engine(SIX_HOURS, 0), busy: true, due: false },
  { name: 'events: one is missing', engine: engine(HUNDRED, 0), newEvents: 99, due: false },
  { name: 'events: all are there', engine: engine(HUNDRED, 0), newEvents: 100, due: true },
  {
    name: 'events: busy',
    engine: engine(HUNDRED, 0),
    newEvents: 100,
    busy: true,
    due: false,
  },
  {
    name: 'events: pauses after a training that came to nothing',
    engine: engine(HUNDRED, 0, version(NOON - FAILED_PAUSE_MS + 1, 'failed', null)),
    newEvents: 1000,
    due: false,
  },
  {
    name: 'events: tries again after the pause',
    engine: engine(HUNDRED, 0, version(NOON - FAILED_PAUSE_MS, 'cancelled', null)),
    newEvents: 1000,
    due: true,
  },
]

describe('isTrainingDue', () => {
  for (const { name, due, ...facts } of cases) {
    it(`${name}: ${due ? 'due' : 'not due'}`, () => {
      assert.equal(isTrainingDue({ newEvents: 0, busy: false, now: NOON, ...facts }), due)
    })
  }

  it('makes up for any number of missed times with one training', () => {
    const schedule = fc.constantFrom<Schedule>(DAILY, SIX_HOURS, {
      type: 'cron',
      expression: '*/5 * * * *',
    })
    fc.assert(
      fc.property(schedule, fc.integer({ min: 0, max: 400 * DAY }), (its, away) => {
        const facts = { newEvents: 0, busy: false, now: NOON + away }
        const waiting = engine(its, NOON)
        const trained = engine(its, NOON, version(facts.now))
        const next = nextTraining(waiting)
        assert.equal(
          isTrainingDue({ ...facts, engine: waiting }),
          next !== null && next <= facts.now,
        )
        assert.equal(isTrainingDue({ ...facts, engine: trained }), false, 'once, then not again')
      }),
    )
  })

  it('asks again for what fell due while a training ran, once', () => {
    const ran = engine(SIX_HOURS, 0, version(NOON - 7 * HOUR))
    assert.equal(isTrainingDue({ engine: ran, newEvents: 0, busy: true, now: NOON }), false)
    assert.equal(isTrainingDue({ engine: ran, newEvents: 0, busy: false, now: NOON }), true)
  })
})

describe('what a schedule tells', () => {
  it('the next time', () => {
    assert.equal(nextTraining(engine(DAILY, NOON)), Date.UTC(2026, 0, 2, 3))
    assert.equal(nextTraining(engine(SIX_HOURS, NOON)), NOON + 6 * HOUR)
    assert.equal(nextTraining(engine(SIX_HOURS, NOON, version(NOON + HOUR))), NOON + 7 * HOUR)
    assert.equal(nextTraining(engine(HUNDRED, NOON)), null)
    assert.equal(nextTraining(engine(null, 0)), null)
    const weekly: Schedule = { type: 'cron', expression: '30 4 * * MON' }
    assert.equal(nextTraining(engine(weekly, NOON)), Date.UTC(2026, 0, 5, 4, 30))
  })

  it('itself, in words', () => {
    const words = [DAILY, SIX_HOURS, HUNDRED].map(scheduleText)
    assert.deepEqual(words, ['cron 0 3 * * * (UTC)', 'every 6 h', 'after 100 events'])
    assert.equal(scheduleText({ type: 'every', ms: 2 * DAY }), 'every 2 d')
    assert.equal(scheduleText({ type: 'every', ms: 90 * 60_000 }), 'every 90 min')
    assert.equal(scheduleText({ type: 'every', ms: 61_000 }), 'every 61 s')
  })

  it('the watermark of the newest training that had one', () => {
    const versions = [version(3, 'failed', null), version(2, 'failed', 7), version(1, 'active', 5)]
    assert.deepEqual(trainedUpTo({ versions }), { generation: 0, offsets: [7] })
    assert.equal(trainedUpTo({ versions: [] }), null)
  })
})

describe('cronFault', () => {
  it('takes five fields', () => {
    for (const good of ['* * * * *', '0 3 * * *', '*/15 8-18 * * MON-FRI', '0 0 29 2 *']) {
      assert.equal(cronFault(good), null, good)
    }
  })

  it('refuses anything else, and what never comes', () => {
    for (const bad of [
      '',
      'daily',
      '* * * *',
      '0 0 3 * * *',
      '61 * * * *',
      '0 0 31 2 *',
      '@daily',
      '2026-01-01T00:00:00',
    ]) {
      assert.equal(typeof cronFault(bad), 'string', bad)
    }
  })
})
