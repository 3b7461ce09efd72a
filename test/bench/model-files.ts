// A model of a million items with 50 ids each, written to files and read again with its hashes checked.
// `node test/bench/model-files.ts [--items N]`; prints one JSON line.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { silentTelemetry } from '#ports/telemetry'
import type { Model } from '#schemas/model'
import { roundWeight } from '#schemas/numerics'
import { createModels } from '../../infra/archive/models.ts'
import { openFolderFiles } from '../../infra/embedded/folder-files.ts'
import { memoryMb } from './process-figures.ts'

const KEEP = 50
const { values } = parseArgs({ options: { items: { type: 'string', default: '1000000' } } })
const length = Number(values.items)
const items = Array.from({ length }, (_, i) => `item-${String(i).padStart(9, '0')}`)
const model: Model = {
  items,
  indicators: [
    {
      name: 'buy',
      terms: items,
      starts: Uint32Array.from({ length: length + 1 }, (_, i) => i * KEEP),
      term: Uint32Array.from({ length: length * KEEP }, (_, i) => (i * 7919) % length),
      weight: Float32Array.from({ length: length * KEEP }, (_, i) =>
        roundWeight(1 / (2 + (i % KEEP))),
      ),
    },
  ],
  rankings: [
    { name: 'popRank', type: 'popular', values: Float64Array.from({ length }, (_, i) => i + 1) },
  ],
}
const root = await mkdtemp(join(tmpdir(), 'millrace-models-'))
const files = await openFolderFiles({ root })
try {
  const models = createModels({ files, telemetry: silentTelemetry })
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const began = performance.now()
    await work()
    return Number(((performance.now() - began) / 1000).toFixed(2))
  }
  let longestTurn = 0
  let last = performance.now()
  const turns = setInterval(() => {
    longestTurn = Math.max(longestTurn, performance.now() - last)
    last = performance.now()
  }, 1)
  const manifest = {
    engineId: 'shop',
    versionId: 'v1',
    factory: 'universal',
    trainedAt: 0,
    asOf: 0,
    watermark: { generation: 0, offsets: [0] },
    counts: {},
    seconds: {},
  }
  const writeSeconds = await timed(() => models.write(manifest, model))
  longestTurn = 0
  const readSeconds = await timed(() => models.read('shop', 'v1'))
  clearInterval(turns)
  const result = {
    items: length,
    writeSeconds,
    readSeconds,
    longestTurnMs: Math.round(longestTurn),
    vmHwmMb: memoryMb('VmHWM'),
  }
  process.stdout.write(`${JSON.stringify(result)}\n`)
} finally {
  await files.close()
  await rm(root, { recursive: true })
}
