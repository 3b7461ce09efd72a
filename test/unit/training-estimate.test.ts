// What is said before a training, and what is refused because there is no room for it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RangeInfo } from '#ports/archive'
import type { TrainingPlace } from '#ports/batch-engine'
import { MillraceError } from '#ports/errors'
import type { Manifest } from '#schemas/model'
import {
  archivedRows,
  assertFits,
  estimateText,
  estimateTraining,
} from '../../batch/training-estimate.ts'

const here: TrainingPlace = { name: 'this process', memoryBytes: 1e9 }
const spark: TrainingPlace = { name: 'Spark', memoryBytes: null }

const manifest = (place: Manifest['place'], events: number, seconds: number): Manifest => ({
  ...{ format: 1, engineId: 'shop', versionId: 'v', factory: 'universal', asOf: 0, trainedAt: 0 },
  watermark: { generation: 0, offsets: [] },
  counts: { events, users: events / 20, items: events / 100, pairs: events * 0.9 },
  seconds: { read: seconds / 2, correlate: seconds / 2 },
  artefacts: [],
  ...(place === undefined ? {} : { place }),
})

test('rows of an app below the watermark', () => {
  const range = (partition: number, start: number, app: number, rows: number): RangeInfo => ({
    ...{ generation: 1, partition, start, end: start + 10, revision: 0 },
    ...{ minTime: null, maxTime: null },
    files: [{ path: 'p', app, day: 'd', rows, bytes: 1 }],
  })
  const ranges = [range(0, 0, 7, 1), range(0, 10, 7, 2), range(1, 0, 7, 4), range(1, 0, 8, 8)]
  assert.equal(archivedRows(ranges, 7, { generation: 1, offsets: [10, 10] }), 5)
  assert.equal(archivedRows(ranges, 7, { generation: 2, offsets: [0, 0] }), 7)
  assert.equal(archivedRows(ranges, 7, { generation: 0, offsets: [9, 9] }), 0)
})

test('the first training: memory by events alone, no time', () => {
  const estimate = estimateTraining({ events: 1_000_000, manifests: [], place: here })
  assert.deepEqual(estimate, {
    events: 1_000_000,
    memoryBytes: 276.5e6,
    seconds: null,
    counts: null,
  })
  assert.equal(
    estimateText('shop', estimate, here),
    'Training shop in this process: 1,000,000 events, about 277 MB of memory, how long the first one here takes is not known.',
  )
})

test('later ones: in proportion to the last, the time of the last one in the same place', () => {
  const manifests = [manifest('Spark', 1_000_000, 80), manifest(undefined, 500_000, 4)]
  const local = estimateTraining({ events: 2_000_000, manifests, place: here })
  assert.equal(local.seconds, 16)
  assert.deepEqual(local.counts, { users: 100_000, items: 20_000, pairs: 1_800_000 })
  assert.equal(local.memoryBytes, 150e6 + 64 * 2e6 + 250 * 220_000)
  const far = estimateTraining({ events: 2_000_000, manifests, place: spark })
  assert.equal(
    estimateText('shop', far, spark),
    'Training shop in Spark: 2,000,000 events (about 100,000 users, 20,000 items, 1,800,000 pairs), about 160 s.',
  )
})

test('what has no room is refused with both numbers and the way out; Spark decides for itself', () => {
  const estimate = estimateTraining({ events: 100_000_000, manifests: [], place: here })
  assert.throws(
    () => assertFits('shop', estimate, here),
    (error: unknown) => {
      assert.ok(error instanceof MillraceError)
      assert.equal(error.code, 'TRAINING_TOO_LARGE')
      assert.match(error.message, /100,000,000 events needs about 12,800 MB; .+ 1,000 MB/)
      assert.match(error.hint, /\[engines\.shop\] batch = "sc:/)
      return true
    },
  )
  assertFits('shop', estimate, spark)
  assertFits('shop', estimate, { ...here, memoryBytes: estimate.memoryBytes })
})
