// Reading a range file: the footer once, then chosen columns of one row group at a time. Everything that is wrong with a
// file comes out as ARCHIVE_CORRUPT with its name.
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync } from 'hyparquet'
import type { Files } from '#ports/files'
import { decodeNumbers, decodeTexts, type Texts } from './column-decoder.ts'
import { namingFile } from './naming-file.ts'
import { type ColumnDeclaration, DECLARATIONS, type FileColumn } from './schema.ts'

export interface Columns {
  readonly rows: number
  text(name: FileColumn): Texts
  /** Numbers of an `int32`, `int64` or `timestamp` column; exact up to 53 bits. */
  numbers(name: FileColumn): Float64Array
}

export interface ParquetReader {
  readonly path: string
  /** Rows of each row group. */
  readonly groups: readonly number[]
  read(group: number, columns: readonly FileColumn[]): Promise<Columns>
}

/**
 * Opens a range file of a known size.
 * @throws MillraceError ARCHIVE_CORRUPT
 */
export async function openParquet(
  files: Files,
  { path, bytes, rows }: { readonly path: string; readonly bytes: number; readonly rows: number },
): Promise<ParquetReader> {
  return namingFile(path, async () => {
    const found = await files.stat(path)
    if (found === null) throw new Error('it is missing')
    if (found.bytes !== bytes) throw new Error(`it has ${found.bytes} bytes instead of ${bytes}`)
    const file: AsyncBuffer = {
      byteLength: bytes,
      slice: async (start, end) => arrayBufferOf(await files.read(path, start, end ?? bytes)),
    }
    const metadata = await parquetMetadataAsync(file)
    if (Number(metadata.num_rows) !== rows) {
      throw new Error(`it has ${metadata.num_rows} rows instead of ${rows}`)
    }
    return {
      path,
      groups: metadata.row_groups.map((group) => Number(group.num_rows)),
      read: (group, columns) =>
        namingFile(path, () => readGroup(files, path, metadata, group, columns)),
    }
  })
}

async function readGroup(
  files: Files,
  path: string,
  metadata: FileMetaData,
  group: number,
  columns: readonly FileColumn[],
): Promise<Columns> {
  const rowGroup = metadata.row_groups[group]
  if (rowGroup === undefined) throw new RangeError(`no row group ${group}`)
  const rows = Number(rowGroup.num_rows)
  const texts = new Map<FileColumn, Texts>()
  const numbers = new Map<FileColumn, Float64Array>()
  for (const name of columns) {
    const index = INDEX.get(name) as number
    const declaration = DECLARATIONS[index] as ColumnDeclaration
    const chunk = rowGroup.columns[index]?.meta_data
    if (chunk?.path_in_schema[0] !== name || chunk.codec !== 'ZSTD') {
      throw new Error(`the column ${name} is not where it should be`)
    }
    const start = Number(chunk.dictionary_page_offset ?? chunk.data_page_offset)
    const read = await files.read(path, start, start + Number(chunk.total_compressed_size))
    const bytes = Buffer.from(read.buffer, read.byteOffset, read.byteLength)
    if (declaration.type === 'text') texts.set(name, decodeTexts(bytes, declaration, rows))
    else numbers.set(name, decodeNumbers(bytes, declaration, rows))
  }
  return {
    rows,
    text: (name) => known(texts, name),
    numbers: (name) => known(numbers, name),
  }
}

const INDEX = new Map(DECLARATIONS.map(({ name }, index) => [name, index]))

function known<V>(columns: ReadonlyMap<FileColumn, V>, name: FileColumn): V {
  const values = columns.get(name)
  if (values === undefined) throw new RangeError(`the column ${name} was not read`)
  return values
}

function arrayBufferOf(bytes: Uint8Array): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes
  if (buffer instanceof ArrayBuffer && byteOffset === 0 && byteLength === buffer.byteLength)
    return buffer
  return Uint8Array.from(bytes).buffer
}
