// The universal engine trained in SQL on a real Spark: the same model as the local trainer's over the same archive, to the last bit.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import { entityHash } from '#schemas/hashes'
import { createIdSource } from '#schemas/ids'
import type { JsonObject } from '#schemas/json'
import type { LogRecord } from '#schemas/record'
import { onThisThread } from '../../../batch/algorithms/correlate.ts'
import type { Trained } from '../../../batch/engines/trainer.ts'
import { trainUniversal } from '../../../batch/engines/universal/local.ts'
import { trainUniversalInSql } from '../../../batch/engines/universal/spark.ts'
import { createArchive } from '../../../infra/archive/archive.ts'
import { createParquetReader } from '../../../infra/archive/foreign-parquet.ts'
import { openFolderFiles } from '../../../infra/embedded/folder-files.ts'
import { openSqlSession } from '../../../infra/spark/sql-session.ts'
import { archiveOver } from '../../support/archive-fixture.ts'
import { createRandom } from '../../support/random.ts'
import { dataDelete, deletionOf, eventRecord, placed } from '../../support/stream-records.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { clusterUrl } from '../../support/test-cluster.ts'
import { type TrainingEvent, variantOf } from '../../support/training.ts'

const AS_OF = Date.UTC(2025, 0, 2)

/** Both trainings of records; they must say the same. */
async function both(
  t: TestContext,
  records: readonly LogRecord[],
  variants: readonly JsonObject[],
): Promise<Trained[]> {
  const files = await openFolderFiles({ root: await temporaryFolder(t) })
  t.after(() => files.close())
  const { write } = archiveOver(files)
  await write(placed(records), Math.ceil(records.length / 3))
  const archive = createArchive({ files, telemetry: silentTelemetry, clock: systemClock })
  const ids = createIdSource()
  const common = { archive, clock: systemClock, correlate: onThisThread, progress: () => {} }
  const trained: Trained[] = []
  for (const [n, variant] of variants.entries()) {
    const task = {
      app: 1,
      appName: 'test',
      engineId: 'test',
      versionId: `v${n}`,
      factory: 'universal',
      variant,
      watermark: { generation: 0, offsets: [records.length] },
      asOf: AS_OF,
    }
    const local = await trainUniversal(task, common)
    const distributed = await trainUniversalInSql(task, {
      ...common,
      files,
      parquet: createParquetReader(files),
      sql: () => openSqlSession({ url: clusterUrl('batch'), clock: systemClock, ids }),
    })
    assert.deepEqual(distributed.model, local.model, JSON.stringify(variant))
    assert.deepEqual(distributed.counts, local.counts)
    assert.deepEqual(distributed.remarks, local.remarks)
    assert.deepEqual(await files.list('models'), [], 'tables stayed')
    trained.push(distributed)
  }
  return trained
}

function recordOf(event: TrainingEvent, n: number): LogRecord {
  return eventRecord({
    ...event,
    eventId: `e${n}`,
    targetEntityType: event.targetEntityType ?? null,
    targetEntityId: event.targetEntityId ?? null,
    properties: '{}',
    eventTime: Date.parse(event.eventTime),
  })
}

test('the hand-made data, as acos and as of old', async (t) => {
  const folder = new URL('../../fixtures/ur-handmade/', import.meta.url)
  const events = readFileSync(new URL('events.jsonl', folder), 'utf8').trim().split('\n')
  const variant = (params: JsonObject): JsonObject => {
    const json = JSON.parse(readFileSync(new URL('engine.json', folder), 'utf8'))
    Object.assign(json.algorithms[0].params, params)
    return json
  }
  const records = events.map((line, n) => recordOf(JSON.parse(line), n))
  const [acos] = await both(t, records, [
    variant({ weights: 'acos' }),
    variant({ scoring: 'global' }),
  ])
  assert.equal(acos?.counts.users, 3)
})

/** Users with tastes, ids beyond the Basic Multilingual Plane, repeats, deletions, ids used anew, erasures and data-deletes. */
function smallShop(seed: number, size: number): LogRecord[] {
  const random = createRandom(seed)
  const item = (n: number): string => `${['i', 'é', '\uffee', '\u{1f600}'][n % 4]}${n}`
  const records: LogRecord[] = []
  for (let n = 0; n < size; n++) {
    const user = random.below(60)
    const dice = random.below(400)
    const creationTime = 5
    if (dice <= 1) {
      const hash =
        dice === 0 ? entityHash('user', `u${user}`) : entityHash('item', item(random.below(40)))
      records.push({
        kind: 'erasure',
        app: 1,
        channel: 0,
        appendId: `x${n}`,
        creationTime,
        entityHash: hash,
      })
      continue
    }
    if (n === Math.floor(size / 8)) records.push(dataDelete(1, null))
    const event = eventRecord({
      event: random.pick(['buy', 'view', 'view', 'search', '$set']),
      entityType: random.below(20) === 0 ? 'item' : 'user',
      entityId: random.below(20) === 0 ? item(random.below(40)) : `u${user}`,
      eventId: `e${random.below(size)}`,
      appendId: random.below(3) === 0 ? `a${random.below(50)}` : '',
      eventTime: AS_OF - random.below(40) * 3_600_000,
      targetEntityType: random.below(30) === 0 ? 'place' : 'item',
      targetEntityId: item((user % 5) * 8 + Math.floor(random.next() ** 2 * 12)),
    })
    if (event.event.event === '$set') {
      records.push(
        eventRecord({
          ...event.event,
          entityType: 'item',
          entityId: item(random.below(50)),
          targetEntityType: null,
          targetEntityId: null,
        }),
      )
      continue
    }
    records.push(event)
    if (dice < 20) records.push(event)
    if (dice > 300 && dice < 340) records.push(deletionOf(event))
    if (dice > 320 && dice < 330) records.push(event, { ...event, appendId: `again${n}` })
  }
  return records
}

const RANKINGS = [
  { name: 'popRank', type: 'popular', eventNames: ['buy', 'view'] },
  { name: 'trendRank', type: 'trending', duration: '30 hours' },
  { name: 'hotRank', type: 'hot', eventNames: ['view'], duration: '2 days' },
  { name: 'anyRank', type: 'random' },
]

test('a small shop with all that ends events', async (t) => {
  const indicators = [
    { name: 'buy', maxItemsPerUser: 6, maxCorrelatorsPerItem: 5 },
    { name: 'view', aliases: ['look'], maxItemsPerUser: 5 },
    { name: 'search' },
  ]
  const limited = [
    { name: 'buy', minLLR: 0.5 },
    { name: 'view', maxItemsPerUser: 4 },
  ]
  const window = { eventWindow: { duration: '1 days', removeDuplicates: true } }
  const trained = await both(t, smallShop(1, 3000), [
    variantOf({ indicators, rankings: RANKINGS }, { minEventsPerUser: 3 }),
    variantOf({ indicators: limited, rankings: RANKINGS, seed: 7 }, window),
    variantOf({ indicators, rankings: RANKINGS, scoring: 'global' }),
  ])
  assert.ok(trained.every(({ model }) => (model.indicators[0]?.term.length ?? 0) > 20))
})
