// From the bytes of one column of one row group back to values: the opposite of `column-builders.ts`. Only the encodings
// written there occur (one data page, PLAIN or indexes of whole bytes into a dictionary), so this is short, and several
// times as fast as a general reader: texts are cut out of one decoded page instead of being decoded one by one.
import { zstdDecompressSync } from 'node:zlib'
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js'
import type { ColumnDeclaration } from './schema.ts'

const DATA_PAGE = 0
const DICTIONARY_PAGE = 2
const PLAIN = 0
const RLE_DICTIONARY = 8

interface Page {
  readonly type: number
  readonly encoding: number
  readonly values: number
  readonly bytes: Buffer
}

export type Texts = readonly (string | null)[]

/** Texts of a column chunk, null where there is none. Throws what is wrong with it. */
export function decodeTexts(chunk: Buffer, { nullable }: ColumnDeclaration, rows: number): Texts {
  const pages = readPages(chunk)
  const page = dataPage(pages, rows)
  let at = 0
  let levels: Uint8Array | null = null
  let present = rows
  if (nullable) {
    const size = page.bytes.readUInt32LE(0)
    at = 4 + size
    levels = decodeLevels(page.bytes.subarray(4, at), rows)
    if (levels !== null) present = levels.reduce((sum, level) => sum + level, 0)
  }
  const values = textValues(pages, page, at, present)
  if (levels === null) return values
  const texts = new Array<string | null>(rows)
  let next = 0
  for (let row = 0; row < rows; row++)
    texts[row] = levels[row] === 1 ? (values[next++] ?? null) : null
  return texts
}

/** Numbers of a column chunk; 64-bit ones must not exceed 53 bits. */
export function decodeNumbers(
  chunk: Buffer,
  { type }: ColumnDeclaration,
  rows: number,
): Float64Array {
  const { bytes } = dataPage(readPages(chunk), rows)
  const width = type === 'int32' ? 4 : 8
  if (bytes.length !== rows * width)
    throw new Error(`a page has ${bytes.length} bytes for ${rows} rows`)
  // A copy, because the view may begin anywhere and typed arrays want a multiple of four.
  const words = new Int32Array(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
  )
  const numbers = new Float64Array(rows)
  if (width === 4) numbers.set(words)
  else {
    for (let row = 0; row < rows; row++) {
      numbers[row] =
        (words[row * 2 + 1] as number) * 0x100000000 + ((words[row * 2] as number) >>> 0)
    }
  }
  return numbers
}

function readPages(chunk: Buffer): Page[] {
  const reader = { view: new DataView(chunk.buffer, chunk.byteOffset, chunk.length), offset: 0 }
  const pages: Page[] = []
  while (reader.offset < chunk.length) {
    const header = deserializeTCompactProtocol(reader)
    const { field_1: type, field_2: size, field_3: compressed } = header
    const info = type === DICTIONARY_PAGE ? header.field_7 : header.field_5
    const end = reader.offset + compressed
    if (info === undefined || !(end <= chunk.length)) throw new Error('a page header is damaged')
    const bytes = zstdDecompressSync(chunk.subarray(reader.offset, end))
    if (bytes.length !== size) throw new Error(`a page has ${bytes.length} of ${size} bytes`)
    pages.push({ type, encoding: info.field_2, values: info.field_1, bytes })
    reader.offset = end
  }
  return pages
}

function dataPage(pages: readonly Page[], rows: number): Page {
  const page = pages.at(-1)
  if (page?.type !== DATA_PAGE) throw new Error('a column has no data page')
  if (page.values !== rows) throw new Error(`a column has ${page.values} of ${rows} rows`)
  return page
}

/** Definition levels, or null when every row has a value. */
function decodeLevels(bytes: Buffer, rows: number): Uint8Array | null {
  const reader = { bytes, at: 0 }
  const levels = new Uint8Array(rows)
  for (let row = 0; row < rows; ) {
    const header = readVarint(reader)
    const first = bytes[reader.at]
    if (first === undefined) throw new Error('definition levels end too soon')
    if ((header & 1) === 0) {
      const count = header >>> 1
      if (first === 1 && count >= rows) return null
      levels.fill(first, row, row + count)
      row += Math.max(1, count)
      reader.at++
      continue
    }
    const count = (header >>> 1) * 8
    for (let i = 0; i < count && row < rows; i++, row++) {
      levels[row] = ((bytes[reader.at + (i >> 3)] as number) >>> (i & 7)) & 1
    }
    reader.at += count >> 3
  }
  return levels
}

function textValues(pages: readonly Page[], page: Page, from: number, count: number): string[] {
  const { bytes, encoding } = page
  if (encoding === PLAIN) return plainTexts(bytes, from, count)
  const [dictionary] = pages
  if (encoding !== RLE_DICTIONARY || dictionary?.type !== DICTIONARY_PAGE) {
    throw new Error(`the encoding ${encoding} is unknown`)
  }
  const entries = plainTexts(dictionary.bytes, 0, dictionary.values)
  const width = (bytes[from] as number) >> 3
  const reader = { bytes, at: from + 1 }
  const header = readVarint(reader)
  if ((header & 1) === 0)
    return new Array<string>(count).fill(entries[bytes[reader.at] as number] ?? '')
  if (reader.at + count * width > bytes.length) throw new Error('dictionary indexes end too soon')
  const texts = new Array<string>(count)
  for (let i = 0, at = reader.at; i < count; i++, at += width) {
    const low = bytes[at] as number
    const text = entries[width === 1 ? low : low | ((bytes[at + 1] as number) << 8)]
    if (text === undefined) throw new Error('a dictionary index is out of range')
    texts[i] = text
  }
  return texts
}

/**
 * Texts in PLAIN encoding. The page is decoded once as Latin-1, which for ASCII is the same as UTF-8, and texts are cut
 * out of that; those with other bytes are decoded for themselves.
 */
function plainTexts(bytes: Buffer, from: number, count: number): string[] {
  const latin = bytes.toString('latin1')
  const texts = new Array<string>(count)
  let at = from
  for (let i = 0; i < count; i++) {
    const start = at + 4
    if (start > bytes.length) throw new Error('texts end too soon')
    const end = start + bytes.readUInt32LE(at)
    if (end > bytes.length) throw new Error('a text is longer than its page')
    let all = 0
    for (let b = start; b < end; b++) all |= bytes[b] as number
    texts[i] = all < 128 ? latin.slice(start, end) : bytes.toString('utf8', start, end)
    at = end
  }
  return texts
}

function readVarint(reader: { readonly bytes: Buffer; at: number }): number {
  let value = 0
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = reader.bytes[reader.at++]
    if (byte === undefined) throw new Error('a length ends too soon')
    value |= (byte & 127) << shift
    if (byte < 128) return value >>> 0
  }
  throw new Error('a length is too long')
}
