// A training as the platform runs it: a real archive on a folder, a real thread with its helper, a model in files.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import type { TrainTask } from '#ports/batch-engine'
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import type { EventRecord, Placed } from '#schemas/record'
import { createArchive } from '../../infra/archive/archive.ts'
import { createModels } from '../../infra/archive/models.ts'
import { createWorkerBatchEngine } from '../../infra/embedded/batch-engine.ts'
import { openFolderFiles } from '../../infra/embedded/folder-files.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { listsOf, type TrainingEvent, train } from '../support/training.ts'

const folder = new URL('../fixtures/ur-handmade/', import.meta.url)
const variant = JSON.parse(readFileSync(new URL('engine.json', folder), 'utf8'))
const events = readFileSync(new URL('events.jsonl', folder), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as TrainingEvent & { properties?: object })

const records = events.map(
  (e, offset): Placed<EventRecord> => ({
    generation: 0,
    partition: 0,
    offset,
    record: {
      kind: 'event',
      app: 1,
      channel: 0,
      appendId: '',
      event: {
        eventId: `e${offset}`,
        event: e.event,
        entityType: e.entityType,
        entityId: e.entityId,
        targetEntityType: e.targetEntityType ?? null,
        targetEntityId: e.targetEntityId ?? null,
        properties: JSON.stringify(e.properties ?? {}),
        eventTime: Date.parse(e.eventTime),
        eventTimeOffset: 0,
        prId: null,
        creationTime: 1,
      },
    },
  }),
)

async function platform(t: TestContext) {
  const root = await temporaryFolder(t)
  const files = await openFolderFiles({ root })
  const archive = createArchive({ files, telemetry: silentTelemetry, clock: systemClock })
  // Two ranges, so that strings of one meet those of the other.
  for (const [start, end] of [
    [0, 70],
    [70, records.length],
  ] as const) {
    const range = await archive.openRange(0, start)
    await range.append(records.slice(start, end))
    await range.close(end)
  }
  const entry = new URL('../../infra/wiring/train-worker.ts', import.meta.url)
  const batch = createWorkerBatchEngine({ entry, workerData: { filesRoot: root }, threads: 2 })
  t.after(async () => {
    await batch.close()
    await archive.close()
    await files.close()
  })
  const models = createModels({ files, telemetry: silentTelemetry })
  return { batch, models }
}

const task = (versionId: string, more: Partial<TrainTask> = {}): TrainTask => ({
  app: 1,
  appName: 'handmade',
  engineId: 'handmade',
  versionId,
  factory: 'universal',
  variant,
  watermark: { generation: 0, offsets: [records.length] },
  asOf: Date.UTC(2026, 0, 1),
  ...more,
})

const free = { signal: new AbortController().signal, progress: () => {} }

test('a training from archive to files: the model of the events, twice the same bytes', async (t) => {
  const { batch, models } = await platform(t)
  const steps = new Set<string>()
  const progress = ({ step }: { step: string }) => steps.add(step)
  const first = await batch.train(task('v1'), { ...free, progress })
  const second = await batch.train(task('v2'), free)
  assert.deepEqual(second.artefacts, first.artefacts)
  assert.deepEqual([...steps], ['read', 'correlate'])
  const { model } = await models.read('handmade', 'v2')
  const expected = await train(events, variant)
  assert.deepEqual(listsOf(model), listsOf(expected.model))
  assert.deepEqual(model, expected.model)
  assert.deepEqual(second.counts, expected.counts)
})

test('a training reads nothing at or behind its watermark', async (t) => {
  const { batch, models } = await platform(t)
  await batch.train(task('v1', { watermark: { generation: 0, offsets: [30] } }), free)
  const { model } = await models.read('handmade', 'v1')
  assert.deepEqual(model, (await train(events.slice(0, 30), variant)).model)
})

test('what goes wrong in the thread keeps its code', async (t) => {
  const { batch } = await platform(t)
  const refused = (code: string, more: Partial<TrainTask>) =>
    assert.rejects(batch.train(task('v1', more), free), { code })
  await refused('TRAINING_NO_EVENTS', { app: 2 })
  await refused('TRAINING_FAILED', { factory: 'unheard-of' })
  await refused('ENGINE_JSON_INVALID', { variant: { ...variant, algorithms: [] } })
})
