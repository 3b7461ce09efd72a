// Columns of one row group while it fills, and how they turn into pages. hyparquet-writer's own column encoder costs
// about three times as much an event, so values are laid down here as Parquet wants them from the start; its writer
// still makes the headers and the footer.
import { ByteBuffer } from './byte-buffer.ts'

/** Rows a row group holds at most; indexes into a dictionary then always fit 16 bits. */
export const GROUP_ROWS = 65_536

/** Values after which a dictionary that did not pay is given up. */
const DICTIONARY_CHECKS = new Set([2048, 8192, 32_768])

/** What a column has to say about one row group; bytes are views, valid until the column is cleared. */
export interface EncodedColumn {
  /** PLAIN values of the dictionary page, when the data page holds indexes into it. */
  readonly dictionary: { readonly values: number; readonly bytes: Buffer } | null
  readonly page: Buffer
}

/** Columns of many apps may be open at once, most of them nearly empty: they begin small and double. */
const FIRST_ROWS = 256

export class Int32Column {
  #values = new Int32Array(FIRST_ROWS)
  #rows = 0

  add(value: number): void {
    if (this.#rows === this.#values.length) this.#values = doubled(this.#values)
    this.#values[this.#rows++] = value
  }

  encode(): EncodedColumn {
    return { dictionary: null, page: Buffer.from(this.#values.buffer, 0, this.#rows * 4) }
  }

  clear(): void {
    this.#rows = 0
  }
}

/** Integers of up to 53 bits, kept as two halves: BigInt would cost more than all the rest. */
export class Int64Column {
  #halves = new Int32Array(FIRST_ROWS * 2)
  #rows = 0

  add(value: number): void {
    if (this.#rows * 2 === this.#halves.length) this.#halves = doubled(this.#halves)
    const high = Math.floor(value / 0x100000000)
    const at = this.#rows++ * 2
    this.#halves[at] = value - high * 0x100000000
    this.#halves[at + 1] = high
  }

  encode(): EncodedColumn {
    return { dictionary: null, page: Buffer.from(this.#halves.buffer, 0, this.#rows * 8) }
  }

  clear(): void {
    this.#rows = 0
  }
}

/**
 * Texts. A column begins with a dictionary; when most values turn out to be different it goes on without, in this row
 * group and in those after it.
 */
export class TextColumn {
  readonly #nullable: boolean
  #present = new Uint8Array(FIRST_ROWS)
  /** PLAIN values: of the dictionary while there is one, else of the rows. */
  readonly #texts = new ByteBuffer()
  #codes = new Uint16Array(FIRST_ROWS)
  readonly #starts: number[] = []
  readonly #dictionary = new Map<string, number>()
  #useDictionary = true
  #lastText: string | null = null
  #lastCode = 0
  #rows = 0
  #values = 0

  constructor(nullable: boolean) {
    this.#nullable = nullable
  }

  get bytes(): number {
    return this.#texts.length + this.#values * (this.#useDictionary ? 2 : 0)
  }

  add(text: string | null): void {
    if (this.#rows === this.#present.length) {
      this.#present = doubled(this.#present)
      this.#codes = doubled(this.#codes)
    }
    this.#present[this.#rows++] = text === null ? 0 : 1
    if (text === null) return
    if (!this.#useDictionary) {
      this.#texts.addText(text)
      this.#values++
      return
    }
    this.#codes[this.#values++] = text === this.#lastText ? this.#lastCode : this.#codeOf(text)
    if (DICTIONARY_CHECKS.has(this.#values) && this.#dictionary.size * 2 > this.#values) {
      this.#giveUpDictionary()
    }
  }

  #codeOf(text: string): number {
    let code = this.#dictionary.get(text)
    if (code === undefined) {
      code = this.#dictionary.size
      this.#dictionary.set(text, code)
      this.#starts.push(this.#texts.length)
      this.#texts.addText(text)
    }
    this.#lastText = text
    this.#lastCode = code
    return code
  }

  #giveUpDictionary(): void {
    const entries = Buffer.from(this.#texts.view())
    this.#starts.push(entries.length)
    this.#texts.clear()
    for (let i = 0; i < this.#values; i++) {
      const code = this.#codes[i] as number
      this.#texts.addBytes(entries.subarray(this.#starts[code], this.#starts[code + 1]))
    }
    this.#useDictionary = false
    this.#forgetDictionary()
  }

  encode(): EncodedColumn {
    const page = new ByteBuffer(1024)
    if (this.#nullable) addLevels(page, this.#present, this.#rows, this.#values)
    if (!this.#useDictionary || this.#values === 0) {
      page.addBytes(this.#texts.view())
      return { dictionary: null, page: page.view() }
    }
    addCodes(page, this.#codes, this.#values, this.#dictionary.size)
    const dictionary = { values: this.#dictionary.size, bytes: this.#texts.view() }
    return { dictionary, page: page.view() }
  }

  clear(): void {
    this.#rows = 0
    this.#values = 0
    this.#texts.clear()
    this.#forgetDictionary()
  }

  #forgetDictionary(): void {
    this.#dictionary.clear()
    this.#starts.length = 0
    this.#lastText = null
  }
}

function doubled<T extends Int32Array | Uint16Array | Uint8Array>(array: T): T {
  const larger = new (array.constructor as new (length: number) => T)(array.length * 2)
  larger.set(array)
  return larger
}

/** Definition levels (1 = present) with their length before them: one run when all rows are alike, else packed bits. */
function addLevels(page: ByteBuffer, present: Uint8Array, rows: number, values: number): void {
  const levels = new ByteBuffer(64)
  if (values === rows || values === 0) {
    levels.addVarint(rows << 1)
    levels.addByte(values === 0 ? 0 : 1)
  } else {
    const groups = (rows + 7) >> 3
    levels.addVarint((groups << 1) | 1)
    for (let group = 0; group < groups; group++) {
      let bits = 0
      for (let bit = 0; bit < 8; bit++) {
        const row = group * 8 + bit
        if (row < rows) bits |= (present[row] as number) << bit
      }
      levels.addByte(bits)
    }
  }
  page.addUint32(levels.length)
  page.addBytes(levels.view())
}

/** Indexes into the dictionary, a byte or two each: whole bytes pack quickest, and compression takes the slack. */
function addCodes(page: ByteBuffer, codes: Uint16Array, values: number, entries: number): void {
  const width = entries <= 256 ? 1 : 2
  page.addByte(width * 8)
  if (entries === 1) {
    page.addVarint(values << 1)
    page.addByte(0)
    return
  }
  const groups = (values + 7) >> 3
  page.addVarint((groups << 1) | 1)
  const packed = new Uint8Array(groups * 8 * width)
  if (width === 2) packed.set(new Uint8Array(codes.buffer, 0, values * 2))
  else for (let i = 0; i < values; i++) packed[i] = codes[i] as number
  page.addBytes(packed)
}
