// Reading Parquet files that another program wrote (Spark writes models so), whatever their encodings: by hyparquet, a row group
// at a time. Our own files have a faster reader of their own (`parquet-reader.ts`).
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetRead } from 'hyparquet'
import type { Files } from '#ports/files'
import type { ParquetReading, ReadParquet } from '#ports/parquet'
import { namingFile } from './naming-file.ts'

type Values = ArrayLike<unknown>

export function createParquetReader(files: Pick<Files, 'stat' | 'read'>): ReadParquet {
  return async function* (path, columns) {
    const { file, metadata } = await namingFile(path, () => open(files, path))
    let rowStart = 0
    for (const { num_rows } of metadata.row_groups) {
      const rows = Number(num_rows)
      const group = { file, metadata, columns, rowStart, rows }
      yield await namingFile(path, () => readGroup(group))
      rowStart += rows
    }
  }
}

async function open(
  files: Pick<Files, 'stat' | 'read'>,
  path: string,
): Promise<{ file: AsyncBuffer; metadata: FileMetaData }> {
  const found = await files.stat(path)
  if (found === null) throw new Error('it is missing')
  const file: AsyncBuffer = {
    byteLength: found.bytes,
    slice: async (start, end) =>
      Uint8Array.from(await files.read(path, start, end ?? found.bytes)).buffer,
  }
  return { file, metadata: await parquetMetadataAsync(file) }
}

async function readGroup(group: {
  readonly file: AsyncBuffer
  readonly metadata: FileMetaData
  readonly columns: readonly string[]
  readonly rowStart: number
  readonly rows: number
}): Promise<ParquetReading> {
  const { file, metadata, columns, rowStart, rows } = group
  const parts = new Map<string, Values[]>()
  await parquetRead({
    file,
    metadata,
    columns: [...columns],
    rowStart,
    rowEnd: rowStart + rows,
    onChunk: ({ columnName, columnData }) => {
      parts.set(columnName, [...(parts.get(columnName) ?? []), columnData as Values])
    },
  })
  const partsOf = (name: string): Values[] => {
    const found = parts.get(name) ?? []
    const count = found.reduce((sum, part) => sum + part.length, 0)
    if (count !== rows) throw new Error(`the column ${name} has ${count} of ${rows} rows`)
    return found
  }
  for (const name of columns) partsOf(name)
  return {
    rows,
    numbers: (name) => {
      const all = new Float64Array(rows)
      let at = 0
      for (const part of partsOf(name)) {
        for (let i = 0; i < part.length; i++) all[at++] = (part[i] as number | null) ?? Number.NaN
      }
      return all
    },
    texts: (name) => partsOf(name).flatMap((part) => Array.from(part) as string[]),
  }
}
