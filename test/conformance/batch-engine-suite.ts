// What every batch engine must do: train on the archive's events below the watermark, write the model, keep its errors.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import type { BatchEngine, TrainTask } from '#ports/batch-engine'
import { systemClock } from '#ports/clock'
import type { Files } from '#ports/files'
import type { Models } from '#ports/models'
import { silentTelemetry } from '#ports/telemetry'
import type { EventRecord, Placed } from '#schemas/record'
import { createArchive } from '../../infra/archive/archive.ts'
import { createModels } from '../../infra/archive/models.ts'
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

export interface BatchEngineFactory {
  readonly name: string
  /** Files to put the archive into, and an engine that reads it from there and writes its models there. */
  readonly open: (t: TestContext) => Promise<{ readonly files: Files; readonly batch: BatchEngine }>
}

async function fill(files: Files): Promise<void> {
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
  await archive.close()
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

export function batchEngineSuite(factory: BatchEngineFactory): void {
  const it = (
    name: string,
    run: (subject: { batch: BatchEngine; models: Models }) => Promise<void>,
  ): void => {
    test(`batch engine (${factory.name}): ${name}`, async (t) => {
      const { files, batch } = await factory.open(t)
      await fill(files)
      await run({ batch, models: createModels({ files, telemetry: silentTelemetry }) })
    })
  }

  it('makes the model of the events, twice the same bytes', async ({ batch, models }) => {
    const steps = new Set<string>()
    const progress = ({ step }: { step: string }) => steps.add(step)
    const first = await batch.train(task('v1'), { ...free, progress })
    const second = await batch.train(task('v2'), free)
    assert.deepEqual(second.artefacts, first.artefacts)
    assert.deepEqual([...steps], ['read', 'correlate'])
    const { model, manifest } = await models.read('handmade', 'v2')
    const expected = await train(events, variant)
    assert.deepEqual(listsOf(model), listsOf(expected.model))
    assert.deepEqual(model, expected.model)
    assert.deepEqual(second.counts, expected.counts)
    assert.deepEqual(manifest, second)
    assert.deepEqual(manifest.watermark, task('v2').watermark)
  })

  it('reads nothing at or behind the watermark', async ({ batch, models }) => {
    await batch.train(task('v1', { watermark: { generation: 0, offsets: [30] } }), free)
    const { model } = await models.read('handmade', 'v1')
    assert.deepEqual(model, (await train(events.slice(0, 30), variant)).model)
  })

  it('counts rankings by the clock of the task, not its own', async ({ batch, models }) => {
    const first = Math.min(...events.map(({ eventTime }) => Date.parse(eventTime)))
    await batch.train(task('v1', { asOf: first + 1 }), free)
    const { model } = await models.read('handmade', 'v1')
    const ranked = model.rankings[0]?.values.filter((value) => value > 0).length ?? 0
    assert.ok(ranked <= 1, `${ranked} items were ranked before they were bought`)
  })

  it('of a backfill ranks anew and keeps the lists of the newest model', async ({
    batch,
    models,
  }) => {
    await batch.train(task('v1', { watermark: { generation: 0, offsets: [60] } }), free)
    const backfill = structuredClone(variant)
    backfill.algorithms[0].params.recsModel = 'backfill'
    await batch.train(task('v2', { variant: backfill }), free)
    const { model: before } = await models.read('handmade', 'v1')
    const { model: after } = await models.read('handmade', 'v2')
    const { model: whole } = await train(events, variant)
    assert.deepEqual(listsOf(after), { ...listsOf(whole), ...listsOf(before) })
    assert.notDeepEqual(listsOf(after), listsOf(whole))
    assert.deepEqual([after.items, after.rankings], [whole.items, whole.rankings])
  })

  it('keeps the codes of what goes wrong', async ({ batch }) => {
    const refused = (code: string, more: Partial<TrainTask>) =>
      assert.rejects(batch.train(task('v1', more), free), { code })
    await refused('TRAINING_NO_EVENTS', { app: 2 })
    await refused('TRAINING_FAILED', { factory: 'unheard-of' })
    await refused('ENGINE_JSON_INVALID', { variant: { ...variant, algorithms: [] } })
  })

  it('is cancelled before it begins and while it runs, and leaves no model', async ({
    batch,
    models,
  }) => {
    const cancelled = { code: 'TRAINING_CANCELLED' }
    await assert.rejects(
      batch.train(task('v1'), { ...free, signal: AbortSignal.abort() }),
      cancelled,
    )
    const abort = new AbortController()
    const running = { signal: abort.signal, progress: () => abort.abort() }
    await assert.rejects(batch.train(task('v2'), running), cancelled)
    assert.deepEqual(await models.list('handmade'), [])
    await batch.train(task('v3'), free)
  })

  it('is closed twice', async ({ batch }) => {
    assert.equal((await batch.health()).status, 'ok')
    await batch.close()
    await batch.close()
  })
}
