// Erasures and data-deletes as they stand in ranges, for the upkeep.
import type { RangeInfo } from '#ports/archive'
import type { Files } from '#ports/files'
import { createNotes, type Notes } from './ending-notes.ts'
import { type Columns, openParquet } from './parquet-reader.ts'
import { ALL_CHANNELS } from './row-group.ts'

/** Endings by app and channel; those of all channels of an app under `ALL_CHANNELS`. */
export interface Endings {
  readonly apps: ReadonlySet<number>
  of(app: number, channel: number): readonly Notes[]
}

/** The endings at or behind an offset, of ranges of one partition. @throws MillraceError ARCHIVE_CORRUPT */
export async function readEndings(
  files: Files,
  ranges: readonly RangeInfo[],
  from: number,
  signal: AbortSignal,
): Promise<Endings> {
  const apps = new Set<number>()
  const notes = new Map<string, Notes>()
  for (const range of ranges) {
    if (range.end <= from) continue
    for (const file of range.files) {
      signal.throwIfAborted()
      const reader = await openParquet(files, file)
      for (const group of reader.groups.keys()) {
        const kinds = (await reader.read(group, ['kind'])).text('kind')
        const rows = [...kinds.keys()].filter((row) => isEnding(kinds[row]))
        if (rows.length === 0) continue
        const columns = await reader.read(group, ['kind', 'channel', 'offset', 'properties'])
        for (const row of rows) {
          const offset = columns.numbers('offset')[row] as number
          if (offset < from) continue
          apps.add(file.app)
          const key = `${file.app}/${columns.numbers('channel')[row]}`
          const its = notes.get(key) ?? createNotes()
          notes.set(key, its)
          its.add({ ...placeOf(range), offset }, hashIn(columns, row))
        }
      }
    }
  }
  const some = (key: string): readonly Notes[] => {
    const found = notes.get(key)
    return found === undefined ? [] : [found]
  }
  return {
    apps,
    of: (app, channel) => [...some(`${app}/${channel}`), ...some(`${app}/${ALL_CHANNELS}`)],
  }
}

const isEnding = (kind: string | null | undefined): boolean =>
  kind === 'erasure' || kind === 'data-delete'

/** The hash an erasure names; null in a data-delete. */
function hashIn(columns: Columns, row: number): string | null {
  if (columns.text('kind')[row] === 'data-delete') return null
  const properties = JSON.parse(columns.text('properties')[row] ?? '{}') as { entityHash: string }
  return properties.entityHash
}

/** The partition of a range or a segment. */
export const placeOf = ({
  generation,
  partition,
}: Pick<RangeInfo, 'generation' | 'partition'>) => ({
  generation,
  partition,
})
