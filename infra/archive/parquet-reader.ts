// Reading a range file: the footer once, then chosen columns of one row group at a time. Everything that is wrong with a
// file comes out as ARCHIVE_CORRUPT with its name.
import { zstdDecompressSync } from 'node:zlib'
import {
  type AsyncBuffer,
  type Compressors,
  type DecodedArray,
  type FileMetaData,
  type ParquetParsers,
  parquetMetadataAsync,
  parquetRead,
} from 'hyparquet'
import { MillraceError } from '#ports/errors'
import type { Files } from '#ports/files'
import { DECLARATIONS, type FileColumn } from './schema.ts'

export interface Columns {
  readonly rows: number
  text(name: FileColumn): readonly (string | null)[]
  /** Numbers of an `int32`, `int64` or `timestamp` column; exact up to 53 bits. */
  numbers(name: FileColumn): Float64Array
}

export interface ParquetReader {
  readonly path: string
  /** Rows of each row group. */
  readonly groups: readonly number[]
  read(group: number, columns: readonly FileColumn[]): Promise<Columns>
}

const COMPRESSORS: Compressors = {
  ZSTD: (input, length) => zstdDecompressSync(input, { maxOutputLength: Math.max(1, length) }),
}

/** Times stay numbers: a Date a row would cost more than reading it. */
const PARSERS: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (milliseconds: bigint) => Number(milliseconds),
  stringFromBytes: (bytes: Uint8Array) => bytes && textOf(bytes),
}

const SHORT_TEXT = 24
const units = new Uint16Array(SHORT_TEXT)

function textOf(bytes: Uint8Array): string {
  const { length } = bytes
  if (length <= SHORT_TEXT) {
    let ascii = 0
    for (let i = 0; i < length; i++) ascii |= units[i] = bytes[i] as number
    if (ascii < 128) return String.fromCharCode(...units.subarray(0, length))
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('utf8')
}

/**
 * Opens a range file of a known size.
 * @throws MillraceError ARCHIVE_CORRUPT
 */
export async function openParquet(
  files: Files,
  { path, bytes, rows }: { readonly path: string; readonly bytes: number; readonly rows: number },
): Promise<ParquetReader> {
  return naming(path, async () => {
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
      read: (group, columns) => naming(path, () => readGroup(file, metadata, group, columns)),
    }
  })
}

async function readGroup(
  file: AsyncBuffer,
  metadata: FileMetaData,
  group: number,
  columns: readonly FileColumn[],
): Promise<Columns> {
  const rowGroup = metadata.row_groups[group]
  if (rowGroup === undefined) throw new RangeError(`no row group ${group}`)
  const rows = Number(rowGroup.num_rows)
  const pages = new Map<string, DecodedArray[]>()
  await parquetRead({
    file,
    metadata: { ...metadata, row_groups: [rowGroup] },
    columns: [...columns],
    compressors: COMPRESSORS,
    parsers: PARSERS,
    onChunk: ({ columnName, columnData }) => {
      const known = pages.get(columnName)
      if (known === undefined) pages.set(columnName, [columnData])
      else known.push(columnData)
    },
  })
  const valuesOf = (name: FileColumn): DecodedArray => {
    const parts = pages.get(name) ?? []
    const [first] = parts
    const values = parts.length === 1 && first !== undefined ? first : parts.flatMap((p) => [...p])
    if (values.length !== rows)
      throw new Error(`the column ${name} has ${values.length} of ${rows} rows`)
    return values
  }
  const found = new Map(columns.map((name) => [name, valuesOf(name)]))
  const of = (name: FileColumn): DecodedArray => {
    const values = found.get(name)
    if (values === undefined) throw new RangeError(`the column ${name} was not read`)
    return values
  }
  const texts = new Map<FileColumn, readonly (string | null)[]>()
  const numbers = new Map<FileColumn, Float64Array>()
  return {
    rows,
    text: (name) => once(texts, name, () => textValues(of(name), name)),
    numbers: (name) => once(numbers, name, () => numberValues(of(name))),
  }
}

function once<V>(known: Map<FileColumn, V>, name: FileColumn, make: () => V): V {
  let value = known.get(name)
  if (value === undefined) {
    value = make()
    known.set(name, value)
  }
  return value
}

const NULLABLE = new Set(DECLARATIONS.filter((d) => d.nullable).map((d) => d.name))

function textValues(values: DecodedArray, name: FileColumn): readonly (string | null)[] {
  const texts = values as unknown as (string | null | undefined)[]
  if (NULLABLE.has(name)) for (let i = 0; i < texts.length; i++) texts[i] ??= null
  return texts as (string | null)[]
}

function numberValues(values: DecodedArray): Float64Array {
  if (values instanceof BigInt64Array) {
    const halves = new Int32Array(values.buffer, values.byteOffset, values.length * 2)
    const numbers = new Float64Array(values.length)
    for (let i = 0; i < numbers.length; i++) {
      numbers[i] = (halves[i * 2 + 1] as number) * 0x100000000 + ((halves[i * 2] as number) >>> 0)
    }
    return numbers
  }
  return Float64Array.from(values as ArrayLike<number>)
}

function arrayBufferOf(bytes: Uint8Array): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes
  if (buffer instanceof ArrayBuffer && byteOffset === 0 && byteLength === buffer.byteLength)
    return buffer
  return Uint8Array.from(bytes).buffer
}

/** Runs something about a file; what goes wrong in it says which file. Failures of the disk stay what they are. */
async function naming<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof MillraceError && error.code !== 'FILE_NOT_FOUND') throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new MillraceError('ARCHIVE_CORRUPT', { file: path, reason }, { cause: error })
  }
}
