// An archive over files in memory, with short ways to fill and read it.
import type { Files } from '#ports/files'
import { silentTelemetry } from '#ports/telemetry'
import type { Placed } from '#schemas/record'
import { createArchive } from '../../infra/archive/archive.ts'
import { createManualClock } from './memory/clock.ts'
import { createMemoryFiles } from './memory/files.ts'

export const archiveOver = (files: Files = createMemoryFiles()) => {
  const archive = createArchive({ files, telemetry: silentTelemetry, clock: createManualClock() })
  /** Archives records as ranges of the given sizes. */
  const write = async (records: readonly Placed[], size = records.length): Promise<void> => {
    for (let from = 0; from < records.length; from += size) {
      const part = records.slice(from, from + size)
      const range = await archive.openRange(0, (part[0] as Placed).offset)
      await range.append(part)
      await range.close((part.at(-1) as Placed).offset + 1)
    }
  }
  return { archive, files, write }
}

export const gather = async <T>(stream: AsyncIterable<readonly T[]>): Promise<T[]> => {
  const all: T[] = []
  for await (const some of stream) all.push(...some)
  return all
}

export const upTo = (offset: number) => ({ generation: 0, offsets: [offset] })
