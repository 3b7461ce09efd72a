// Packed bytes: what the rows of the event store are written with and read from.

const INITIAL_BYTES = 64 * 1024
/** Shorter texts are copied by hand when they are ASCII: a call into the runtime costs more. */
const SHORT_TEXT = 64

/** Writes into one buffer that grows; what `take` returns is valid until the next `reset`. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES)
  #at = 0

  reset(): void {
    this.#at = 0
  }

  get length(): number {
    return this.#at
  }

  take(): Buffer {
    return this.#buffer.subarray(0, this.#at)
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow((this.#at + bytes) * 2)
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#buffer[this.#at++] = value
  }

  double(value: number): void {
    this.#reserve(8)
    this.#at = this.#buffer.writeDoubleBE(value, this.#at)
  }

  int16(value: number): void {
    this.#reserve(2)
    this.#at = this.#buffer.writeInt16BE(value, this.#at)
  }

  uint32(value: number): void {
    this.#reserve(4)
    this.#at = this.#buffer.writeUInt32BE(value, this.#at)
  }

  /** An unsigned integer below 2³², seven bits a byte, lowest first. */
  varint(value: number): void {
    this.#reserve(5)
    let rest = value
    while (rest > 127) {
      this.#buffer[this.#at++] = (rest & 127) | 128
      rest >>>= 7
    }
    this.#buffer[this.#at++] = rest
  }

  bytes(source: Uint8Array, from: number, to: number): void {
    this.#reserve(to - from)
    for (let i = from; i < to; i++) this.#buffer[this.#at++] = source[i] as number
  }

  /** Bytes of another buffer, of any length. */
  block(source: Buffer, from: number, to: number): void {
    this.#reserve(to - from)
    source.copy(this.#buffer, this.#at, from, to)
    this.#at += to - from
  }

  /** The buffer with room for `bytes` behind `length`, for writers of their own; `advance` tells what they wrote. */
  room(bytes: number): Buffer {
    this.#reserve(bytes)
    return this.#buffer
  }

  advance(bytes: number): void {
    this.#at += bytes
  }

  /** A text with its length before it. */
  text(value: string): void {
    const start = this.#at
    if (value.length < SHORT_TEXT) {
      this.byte(value.length)
      if (this.ascii(value)) return
      this.#at = start
    }
    const length = Buffer.byteLength(value)
    this.varint(length)
    this.#reserve(length)
    this.#at += this.#buffer.write(value, this.#at)
  }

  /** Writes the text's characters if all are ASCII; otherwise writes nothing. */
  ascii(value: string): boolean {
    this.#reserve(value.length)
    const buffer = this.#buffer
    let at = this.#at
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i)
      if (unit > 127) return false
      buffer[at++] = unit
    }
    this.#at = at
    return true
  }
}

/** Reads what a ByteWriter wrote, front to back. */
export class ByteReader {
  #buffer: Buffer = Buffer.alloc(0)
  at = 0

  open(buffer: Buffer, at = 0): this {
    this.#buffer = buffer
    this.at = at
    return this
  }

  byte(): number {
    return this.#buffer[this.at++] as number
  }

  double(): number {
    this.at += 8
    return this.#buffer.readDoubleBE(this.at - 8)
  }

  int16(): number {
    this.at += 2
    return this.#buffer.readInt16BE(this.at - 2)
  }

  varint(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte()
      value |= (byte & 127) << shift
      if (byte < 128) return value >>> 0
    }
  }

  text(): string {
    const length = this.varint()
    this.at += length
    return this.#buffer.toString('utf8', this.at - length, this.at)
  }

  hex(bytes: number): string {
    this.at += bytes
    return this.#buffer.toString('hex', this.at - bytes, this.at)
  }
}
