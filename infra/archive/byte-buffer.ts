// Bytes that grow by doubling, and the two ways in which Parquet wants values: numbers in little-endian order, and texts
// as length and UTF-8 bytes.

/** Up to this length a loop over the units is faster than a call into native code. */
const SHORT_TEXT = 48

export class ByteBuffer {
  #bytes: Buffer
  #length = 0

  constructor(capacity = 1024) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity)
  }

  get length(): number {
    return this.#length
  }

  /** The bytes so far: a view, valid until the next write. */
  view(from = 0, to = this.#length): Buffer {
    return this.#bytes.subarray(from, to)
  }

  clear(): void {
    this.#length = 0
  }

  addByte(value: number): void {
    this.#ensure(1)
    this.#bytes[this.#length++] = value
  }

  addUint32(value: number): void {
    this.#ensure(4)
    this.#length = this.#bytes.writeUInt32LE(value, this.#length)
  }

  /** Unsigned, 7 bits a byte, lowest first. */
  addVarint(value: number): void {
    let rest = value
    while (rest > 127) {
      this.addByte((rest & 127) | 128)
      rest >>>= 7
    }
    this.addByte(rest)
  }

  addBytes(bytes: Uint8Array): void {
    this.#ensure(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** The text as Parquet's PLAIN encoding has it. */
  addText(text: string): void {
    const units = text.length
    this.#ensure(4 + units * 3)
    const start = this.#length + 4
    const size = this.#writeText(text, start)
    this.#bytes.writeUInt32LE(size, this.#length)
    this.#length = start + size
  }

  #writeText(text: string, start: number): number {
    const bytes = this.#bytes
    const units = text.length
    if (units > SHORT_TEXT) return bytes.write(text, start, 'utf8')
    for (let i = 0; i < units; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 127) return bytes.write(text, start, 'utf8')
      bytes[start + i] = unit
    }
    return units
  }

  #ensure(more: number): void {
    const wanted = this.#length + more
    if (wanted <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(wanted, this.#bytes.length * 2))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }
}
