// Bytes of a model's artefacts. Every artefact is a header of 32 bytes and then sections, each on a multiple of 8, all
// little-endian:
//
//   header   magic "MRM1" · kind (uint32) · three counts (uint32) · zeros
//   strings  n           → ends (n × uint32, in bytes of UTF-8) · UTF-8 of all strings, one behind the other
//   lists    rows, n     → starts ((rows + 1) × uint32) · terms (n × uint32) · weights (n × uint16)
//   values   n           → n × float64
//
// A weight is a positive float32 whose low 15 bits are 0 (`roundWeight`), so 16 bits say all of it.

const MAGIC = 0x314d524d
const HEADER_BYTES = 32
const WEIGHT_SHIFT = 15

export const BLOCK_KINDS = { strings: 1, lists: 2, values: 3 } as const
export type BlockKind = keyof typeof BLOCK_KINDS

/** Thrown for bytes that are no such block; says what is wrong. */
export class BlockFormatError extends Error {
  override readonly name = 'BlockFormatError'
}

/** Models are read on the thread that answers queries: it gets its turn after so many. */
const STRINGS_A_TURN = 50_000
const WEIGHTS_A_TURN = 2_000_000

export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const aligned = (bytes: number): number => Math.ceil(bytes / 8) * 8

function header(kind: BlockKind, counts: readonly number[]): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES)
  bytes.writeUInt32LE(MAGIC, 0)
  bytes.writeUInt32LE(BLOCK_KINDS[kind], 4)
  for (const [i, count] of counts.entries()) bytes.writeUInt32LE(count, 8 + 4 * i)
  return bytes
}

/** The section, and the zeros that bring it to a multiple of 8. */
function section(array: Uint32Array | Uint16Array | Float64Array | Uint8Array): Uint8Array[] {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
  const rest = aligned(bytes.length) - bytes.length
  return rest === 0 ? [bytes] : [bytes, new Uint8Array(rest)]
}

export function stringsBlock(texts: readonly string[]): Uint8Array[] {
  const ends = new Uint32Array(texts.length)
  const bytes = Buffer.from(texts.join(''), 'utf8')
  let end = 0
  for (let i = 0; i < texts.length; i++) {
    end += Buffer.byteLength(texts[i] as string, 'utf8')
    ends[i] = end
  }
  return [header('strings', [texts.length, bytes.length]), ...section(ends), ...section(bytes)]
}

export interface ListsBlock {
  readonly starts: Uint32Array
  readonly term: Uint32Array
  readonly weight: Float32Array
}

export function listsBlock({ starts, term, weight }: ListsBlock): Uint8Array[] {
  const bits = new Uint32Array(weight.buffer, weight.byteOffset, weight.length)
  const packed = new Uint16Array(weight.length)
  for (let i = 0; i < packed.length; i++) packed[i] = (bits[i] as number) >>> WEIGHT_SHIFT
  const counts = [starts.length - 1, term.length]
  return [header('lists', counts), ...section(starts), ...section(term), ...section(packed)]
}

export function valuesBlock(values: Float64Array): Uint8Array[] {
  return [header('values', [values.length]), ...section(values)]
}

/** Reads sections one behind the other; the typed arrays are views of `bytes` where its place in memory allows. */
class Sections {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = HEADER_BYTES

  constructor(bytes: Uint8Array, kind: BlockKind) {
    const place = bytes.byteOffset % 8
    this.#bytes = place === 0 ? bytes : new Uint8Array(bytes)
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length)
    const whole = bytes.length >= HEADER_BYTES && this.#view.getUint32(0, true) === MAGIC
    if (!whole) throw new BlockFormatError('it does not begin as a model file does')
    const found = this.#view.getUint32(4, true)
    if (found !== BLOCK_KINDS[kind]) {
      throw new BlockFormatError(`it is of kind ${found}, not ${BLOCK_KINDS[kind]}`)
    }
  }

  count(index: number): number {
    return this.#view.getUint32(8 + 4 * index, true)
  }

  take(bytes: number): { readonly buffer: ArrayBufferLike; readonly at: number } {
    const at = this.#at
    this.#at += aligned(bytes)
    if (this.#at > this.#bytes.length) throw new BlockFormatError('it is too short')
    return { buffer: this.#bytes.buffer, at: this.#bytes.byteOffset + at }
  }

  uint32(length: number): Uint32Array {
    const { buffer, at } = this.take(length * 4)
    return new Uint32Array(buffer, at, length)
  }
}

export async function readStrings(bytes: Uint8Array): Promise<string[]> {
  const sections = new Sections(bytes, 'strings')
  const length = sections.count(0)
  const ends = sections.uint32(length)
  const size = sections.count(1)
  const { buffer, at } = sections.take(size)
  const utf8 = Buffer.from(buffer, at, size)
  if (length > 0 && ends[length - 1] !== size) throw new BlockFormatError('its strings do not fit')
  const texts = new Array<string>(length)
  // Where all is ASCII, strings are cut from one decoded text, which is much faster than decoding each.
  const ascii = isAscii(utf8)
  const text = ascii ? utf8.toString('latin1') : ''
  let start = 0
  for (let i = 0; i < length; i++) {
    const end = ends[i] as number
    if (end < start || end > size) throw new BlockFormatError('its strings do not fit')
    texts[i] = ascii ? text.slice(start, end) : utf8.toString('utf8', start, end)
    start = end
    if (i % STRINGS_A_TURN === 0) await nextTurn()
  }
  return texts
}

function isAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if ((bytes[i] as number) > 127) return false
  return true
}

export async function readLists(bytes: Uint8Array): Promise<ListsBlock> {
  const sections = new Sections(bytes, 'lists')
  const starts = sections.uint32(sections.count(0) + 1)
  const length = sections.count(1)
  const term = sections.uint32(length)
  const { buffer, at } = sections.take(length * 2)
  const packed = new Uint16Array(buffer, at, length)
  if (starts[starts.length - 1] !== length) throw new BlockFormatError('its lists do not fit')
  const weight = new Float32Array(length)
  const bits = new Uint32Array(weight.buffer)
  for (let i = 0; i < length; i++) {
    bits[i] = (packed[i] as number) << WEIGHT_SHIFT
    if (i % WEIGHTS_A_TURN === 0) await nextTurn()
  }
  return { starts, term, weight }
}

export async function readValues(bytes: Uint8Array): Promise<Float64Array> {
  const sections = new Sections(bytes, 'values')
  const length = sections.count(0)
  const { buffer, at } = sections.take(length * 8)
  return new Float64Array(buffer, at, length)
}
