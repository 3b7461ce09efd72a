import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MillraceError } from '#ports/errors'
import type { Files } from '#ports/files'
import { silentTelemetry } from '#ports/telemetry'
import type { Model } from '#schemas/model'
import { roundWeight } from '#schemas/numerics'
import { createModels } from '../../infra/archive/models.ts'
import { createMemoryFiles } from '../support/memory/files.ts'

const items = ['0110912', 'Łódź', 'U 2', 'plain', '日本']
const model: Model = {
  items,
  indicators: [
    {
      name: 'purchase',
      terms: items,
      starts: Uint32Array.of(0, 2, 2, 3, 3, 3),
      term: Uint32Array.of(1, 4, 0),
      weight: Float32Array.of(roundWeight(0.7), roundWeight(1e-7), roundWeight(12.5)),
    },
    {
      name: 'view',
      terms: ['a', 'b'],
      starts: Uint32Array.of(0, 0, 0, 0, 1, 1),
      term: Uint32Array.of(1),
      weight: Float32Array.of(1),
    },
  ],
  rankings: [
    { name: 'popRank', type: 'popular', values: Float64Array.of(3, Number.NaN, 1, 0.5, 9) },
  ],
}

const manifest = (versionId: string, trainedAt = 5) => ({
  engineId: 'shop',
  versionId,
  factory: 'universal',
  trainedAt,
  asOf: 4,
  watermark: { generation: 0, offsets: [7] },
  counts: { events: 3 },
  seconds: { read: 1 },
})

const create = (files: Files = createMemoryFiles()) => ({
  files,
  models: createModels({ files, telemetry: silentTelemetry }),
})

const corrupt = (file: string) => (error: MillraceError) => {
  assert.equal(error.code, 'MODEL_CORRUPT')
  assert.equal(error.details.file, file)
  return true
}

test('models: what was written is read again', async () => {
  const { models } = create()
  const written = await models.write(manifest('v1'), model)
  const read = await models.read('shop', 'v1')
  assert.deepEqual(read, { manifest: written, model })
  assert.deepEqual(
    written.artefacts.map(({ name }) => name),
    [
      'outline.json',
      'items.strings',
      'indicator-0.lists',
      'indicator-1.lists',
      'indicator-1.strings',
      'ranking-0.values',
    ],
  )
})

test('models: an empty model, and one of ASCII ids alone', async () => {
  const { models } = create()
  const empty: Model = { items: [], indicators: [], rankings: [] }
  await models.write(manifest('v1'), empty)
  assert.deepEqual((await models.read('shop', 'v1')).model, empty)
  const ascii = { ...empty, items: ['', 'a', 'bc', 'd'] }
  await models.write(manifest('v2'), ascii)
  assert.deepEqual((await models.read('shop', 'v2')).model, ascii)
})

test('models: listed newest first, removed one by one', async () => {
  const { models, files } = create()
  for (const [version, at] of [
    ['v2', 7],
    ['v1', 5],
    ['v3', 7],
  ] as const) {
    await models.write(manifest(version, at), model)
  }
  const ids = async () => (await models.list('shop')).map(({ versionId }) => versionId)
  assert.deepEqual(await ids(), ['v3', 'v2', 'v1'])
  await models.remove('shop', 'v2')
  await models.remove('shop', 'v2')
  assert.deepEqual(await ids(), ['v3', 'v1'])
  assert.deepEqual(await files.list('models/shop/v2'), [])
  assert.deepEqual(await models.list('other'), [])
})

test('models: a version that is not there, and one without its manifest', async () => {
  const { models, files } = create()
  const unknown = { code: 'VERSION_NOT_FOUND' }
  await assert.rejects(models.read('shop', 'v1'), unknown)
  await models.write(manifest('v1'), model)
  await files.remove('models/shop/v1/manifest.json')
  await assert.rejects(models.read('shop', 'v1'), unknown)
  assert.deepEqual(await models.list('shop'), [])
})

test('models: the same version is not written twice', async () => {
  const { models } = create()
  await models.write(manifest('v1'), model)
  await assert.rejects(models.write(manifest('v1'), model), { code: 'FILE_EXISTS' })
})

async function replace(files: Files, path: string, change: (bytes: Uint8Array) => Uint8Array) {
  const bytes = change(await files.read(path))
  await files.remove(path)
  const writer = await files.create(path)
  await writer.write(bytes)
  await writer.commit()
}

test('models: every damaged artefact is named', async () => {
  const { models: source } = create()
  const { artefacts } = await source.write(manifest('v1'), model)
  for (const name of [...artefacts.map((artefact) => artefact.name), 'manifest.json']) {
    const path = `models/shop/v1/${name}`
    for (const damage of [
      (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 1),
      (bytes: Uint8Array) => bytes.map((byte, i) => (i === 9 ? byte ^ 1 : byte)),
    ]) {
      const { models, files } = create()
      await models.write(manifest('v1'), model)
      await replace(files, path, damage)
      if (name === 'manifest.json' && damage(Uint8Array.of(1, 2)).length === 1) {
        // Only its last line break is gone: that is no damage.
        await models.read('shop', 'v1')
      } else await assert.rejects(models.read('shop', 'v1'), corrupt(path))
    }
  }
})

test('models: a missing artefact is named, and a damaged manifest hides no other', async () => {
  const { models, files } = create()
  await models.write(manifest('v1'), model)
  await models.write(manifest('v2'), model)
  await files.remove('models/shop/v1/items.strings')
  await assert.rejects(models.read('shop', 'v1'), corrupt('models/shop/v1/items.strings'))
  await replace(files, 'models/shop/v1/manifest.json', () => Buffer.from('{'))
  assert.deepEqual(
    (await models.list('shop')).map(({ versionId }) => versionId),
    ['v2'],
  )
})
