// Models over the files port:
//
//   models/<engine>/<version>/outline.json        names of indicators and rankings, in their order
//                            /items.strings       ids of the documents
//                            /indicator-<n>.lists
//                            /indicator-<n>.strings   ids of a secondary indicator (the primary one's are the items)
//                            /ranking-<n>.values
//                            /manifest.json       last: sizes and hashes of the others; with it the model counts
//
// All but the manifest is a function of events and parameters: two trainings of the same give the same bytes.
import { createHash } from 'node:crypto'
import { asMillraceError, MillraceError } from '#ports/errors'
import type { Files } from '#ports/files'
import type { Models } from '#ports/models'
import type { Telemetry } from '#ports/telemetry'
import {
  type IndicatorLists,
  type Manifest,
  type Model,
  RANKING_TYPES,
  type RankingType,
} from '#schemas/model'
import {
  listsBlock,
  nextTurn,
  readLists,
  readStrings,
  readValues,
  stringsBlock,
  valuesBlock,
} from './model-blocks.ts'

const MANIFEST = 'manifest.json'
const OUTLINE = 'outline.json'
/** What is hashed or written at once: other work of this thread gets its turn in between. */
const CHUNK_BYTES = 4 * 1024 * 1024

interface Outline {
  readonly indicators: readonly string[]
  readonly rankings: readonly { readonly name: string; readonly type: RankingType }[]
}

type Artefact = Manifest['artefacts'][number]

export function createModels(deps: {
  readonly files: Files
  readonly telemetry: Telemetry
}): Models {
  const { files, telemetry } = deps
  return {
    async write(manifest, model) {
      const folder = folderOf(manifest.engineId, manifest.versionId)
      const artefacts: Artefact[] = []
      for (const [name, chunks] of artefactsOf(model)) {
        artefacts.push(await writeArtefact(files, folder, name, chunks))
      }
      const whole: Manifest = { format: 1, ...manifest, artefacts }
      const text = Buffer.from(`${JSON.stringify(whole, null, 2)}\n`)
      await writeArtefact(files, folder, MANIFEST, [text])
      return whole
    },
    async read(engineId, versionId) {
      const folder = folderOf(engineId, versionId)
      if ((await files.stat(`${folder}/${MANIFEST}`)) === null) {
        throw new MillraceError('VERSION_NOT_FOUND', { engine: engineId, version: versionId })
      }
      const manifest = await readManifest(files, folder)
      return { manifest, model: await readModel(files, folder, manifest) }
    },
    async list(engineId) {
      const found: Manifest[] = []
      for (const { path } of await files.list(`models/${engineId}`)) {
        if (!path.endsWith(`/${MANIFEST}`)) continue
        try {
          found.push(await readManifest(files, path.slice(0, -MANIFEST.length - 1)))
        } catch (error) {
          // One damaged manifest must not hide the good models beside it.
          telemetry.log('error', 'model-unreadable', {
            path,
            reason: asMillraceError(error).message,
          })
        }
      }
      return found.sort((a, b) => b.trainedAt - a.trainedAt || (a.versionId < b.versionId ? 1 : -1))
    },
    async remove(engineId, versionId) {
      const folder = folderOf(engineId, versionId)
      // The manifest first: a half removed model is none.
      await files.remove(`${folder}/${MANIFEST}`)
      await files.remove(folder)
    },
  }
}

const folderOf = (engineId: string, versionId: string): string => `models/${engineId}/${versionId}`

function* artefactsOf(model: Model): Generator<[string, Uint8Array[]]> {
  const outline: Outline = {
    indicators: model.indicators.map(({ name }) => name),
    rankings: model.rankings.map(({ name, type }) => ({ name, type })),
  }
  yield [OUTLINE, [Buffer.from(`${JSON.stringify(outline)}\n`)]]
  yield ['items.strings', stringsBlock(model.items)]
  for (const [n, lists] of model.indicators.entries()) {
    yield [`indicator-${n}.lists`, listsBlock(lists)]
    if (n > 0) yield [`indicator-${n}.strings`, stringsBlock(lists.terms)]
  }
  for (const [n, { values }] of model.rankings.entries()) {
    yield [`ranking-${n}.values`, valuesBlock(values)]
  }
}

async function writeArtefact(
  files: Files,
  folder: string,
  name: string,
  chunks: readonly Uint8Array[],
): Promise<Artefact> {
  const path = `${folder}/${name}`
  const hash = createHash('sha256')
  const writer = await files.create(path)
  try {
    for (const chunk of chunks) {
      for (let from = 0; from < chunk.length; from += CHUNK_BYTES) {
        const part = chunk.subarray(from, from + CHUNK_BYTES)
        hash.update(part)
        await writer.write(part)
      }
    }
  } catch (error) {
    await writer.abort()
    throw error
  }
  const { bytes } = writer
  if (!(await writer.commit())) throw new MillraceError('FILE_EXISTS', { file: path })
  return { name, bytes, sha256: hash.digest('hex') }
}

async function readManifest(files: Files, folder: string): Promise<Manifest> {
  const file = `${folder}/${MANIFEST}`
  const text = Buffer.from(await files.read(file)).toString('utf8')
  try {
    const manifest = JSON.parse(text) as Manifest
    if (manifest.format === 1 && Array.isArray(manifest.artefacts)) return manifest
  } catch (error) {
    throw new MillraceError('MODEL_CORRUPT', { file, reason: 'it is not JSON' }, { cause: error })
  }
  throw new MillraceError('MODEL_CORRUPT', { file, reason: 'it is no manifest of format 1' })
}

async function readModel(files: Files, folder: string, manifest: Manifest): Promise<Model> {
  const read = <T>(name: string, parse: (bytes: Uint8Array) => Promise<T>): Promise<T> =>
    readArtefact(files, folder, manifest, name, parse)
  const outline = await read(OUTLINE, parseOutline)
  const items = await read('items.strings', readStrings)
  const indicators: IndicatorLists[] = []
  for (const [n, name] of outline.indicators.entries()) {
    const lists = await read(`indicator-${n}.lists`, readLists)
    const terms = n === 0 ? items : await read(`indicator-${n}.strings`, readStrings)
    indicators.push({ name, terms, ...lists })
  }
  const rankings: Model['rankings'][number][] = []
  for (const [n, ranking] of outline.rankings.entries()) {
    rankings.push({ ...ranking, values: await read(`ranking-${n}.values`, readValues) })
  }
  return { items, indicators, rankings }
}

async function parseOutline(bytes: Uint8Array): Promise<Outline> {
  const outline = JSON.parse(Buffer.from(bytes).toString('utf8')) as Outline
  if (outline.rankings.every(({ type }) => RANKING_TYPES.includes(type))) return outline
  throw new TypeError('it names a ranking of an unknown type')
}

/** Reads, checks size and hash, parses. Whatever fails names the file. */
async function readArtefact<T>(
  files: Files,
  folder: string,
  manifest: Manifest,
  name: string,
  parse: (bytes: Uint8Array) => Promise<T>,
): Promise<T> {
  const file = `${folder}/${name}`
  const corrupt = (reason: string, cause?: unknown): MillraceError =>
    new MillraceError('MODEL_CORRUPT', { file, reason }, { cause })
  const expected = manifest.artefacts.find((artefact) => artefact.name === name)
  if (expected === undefined) throw corrupt('the manifest does not name it')
  if ((await files.stat(file)) === null) throw corrupt('it is missing')
  const bytes = await files.read(file)
  if (bytes.length !== expected.bytes) {
    throw corrupt(`it has ${bytes.length} bytes, not ${expected.bytes}`)
  }
  if ((await sha256(bytes)) !== expected.sha256) throw corrupt('its SHA-256 is another')
  try {
    return await parse(bytes)
  } catch (error) {
    throw corrupt(error instanceof Error ? error.message : String(error), error)
  }
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256')
  for (let from = 0; from < bytes.length; from += CHUNK_BYTES) {
    hash.update(bytes.subarray(from, from + CHUNK_BYTES))
    await nextTurn()
  }
  return hash.digest('hex')
}
