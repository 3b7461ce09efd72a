import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import type { Watermark } from '#schemas/position'
import { announcePlaces, followPlaces } from '../../infra/wiring/places.ts'
import { createWatermarks, type MovableWatermarks } from '../../streams/watermarks.ts'
import { createMemoryLog } from '../support/memory/log.ts'

const clock = systemClock
const at = (...offsets: number[]): Watermark => ({ generation: 0, offsets })

function marks(): MovableWatermarks {
  return createWatermarks({ partitions: 2, generation: 0, clock })
}

test('every process learns where the sinks of all processes are', async (t) => {
  const options = { places: createMemoryLog(), clock, telemetry: silentTelemetry }
  const [one, other, reader] = [marks(), marks(), marks()]
  const parts = [
    followPlaces(options, reader),
    announcePlaces(options, one),
    announcePlaces(options, other),
  ]
  t.after(() => Promise.all(parts.map((part) => part.close())))
  one.advance('store', at(5, 0))
  other.advance('store', at(0, 7))
  assert.equal(await reader.waitFor('store', at(5, 7), 5000), true)
  assert.deepEqual(reader.applied('index'), at(0, 0))
  one.advance('index', at(3, 0))
  assert.equal(await reader.waitFor('index', at(3, 0), 5000), true)
})

test('a process that starts later learns it too, though nothing moves any more', async (t) => {
  const options = { places: createMemoryLog(), clock, telemetry: silentTelemetry }
  const one = marks()
  one.advance('archive', at(9, 9))
  const announcing = announcePlaces(options, one)
  t.after(() => announcing.close())
  while ((await options.places.end(0)) === 0) await clock.sleep(5)
  const late = marks()
  const following = followPlaces(options, late)
  t.after(() => following.close())
  assert.equal(await late.waitFor('archive', at(9, 9), 5000), true)
})

test('a log that is away for a moment is asked again', async (t) => {
  const log = createMemoryLog()
  let failures = 2
  const places = {
    ...log,
    append: async (partition: number, values: readonly Uint8Array[]) => {
      if (failures-- > 0) throw new Error('away')
      return log.append(partition, values)
    },
  }
  const warnings: string[] = []
  const telemetry = { emit: () => {}, log: (_level: string, event: string) => warnings.push(event) }
  const quick = {
    ...clock,
    sleep: (ms: number, signal?: AbortSignal) => clock.sleep(Math.min(ms, 5), signal),
  }
  const one = marks()
  const reader = marks()
  const options = { places, clock: quick, telemetry }
  const parts = [followPlaces(options, reader), announcePlaces(options, one)]
  t.after(() => Promise.all(parts.map((part) => part.close())))
  one.advance('store', at(1, 1))
  assert.equal(await reader.waitFor('store', at(1, 1), 5000), true)
  assert.deepEqual(warnings, ['places-not-announced', 'places-not-announced'])
})
