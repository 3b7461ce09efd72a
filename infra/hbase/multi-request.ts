// The bytes of a `Multi` request: HBase's MultiRequest of Client.proto. The library's encoder makes six objects and as many
// buffers a row, which is more than half of what a stored event costs; this one writes each byte once, from the end to the
// front, so that every length is known when its turn comes.
import type { Row } from './client.ts'

/** Every row has one cell, under these. */
export const FAMILY = Buffer.from('e')
const QUALIFIER = Buffer.alloc(0)

/** What is done to one row: its cell is written, or read. */
export type RowAction =
  | { readonly type: 'put'; readonly row: Row }
  | { readonly type: 'get'; readonly key: Buffer }

export interface RegionActions {
  /** The region's name, as HBase gives it. */
  readonly region: Buffer
  readonly actions: readonly RowAction[]
}

/** Tags and lengths around one row, and around one region's name, at most. */
const ROW_FRAME_BYTES = 64
const REGION_FRAME_BYTES = 32

const REGION_NAME = 1
const PUT = 2

/** Field number and wire type as the one byte that they are for numbers below 16. */
const number = (field: number): number => field << 3
const bytes = (field: number): number => (field << 3) | 2

/** Actions are numbered in their order within a region, from 0. */
export function encodeMulti(regions: readonly RegionActions[]): Buffer {
  const writer = new FrontWriter(regions.reduce((sum, one) => sum + mostBytes(one), 0))
  for (let r = regions.length - 1; r >= 0; r--) {
    const { region, actions } = regions[r] as RegionActions
    const end = writer.at
    for (let index = actions.length - 1; index >= 0; index--) {
      const actionEnd = writer.at
      writeAction(writer, actions[index] as RowAction)
      writer.varint(number(1), index)
      writer.close(bytes(3), actionEnd)
    }
    const specifierEnd = writer.at
    writer.bytes(bytes(2), region)
    writer.varint(number(1), REGION_NAME)
    writer.close(bytes(1), specifierEnd)
    writer.close(bytes(1), end)
  }
  return writer.written()
}

function mostBytes({ region, actions }: RegionActions): number {
  let sum = region.length + REGION_FRAME_BYTES
  for (const action of actions) {
    sum += ROW_FRAME_BYTES
    sum +=
      action.type === 'get' ? action.key.length : action.row.key.length + action.row.value.length
  }
  return sum
}

function writeAction(writer: FrontWriter, action: RowAction): void {
  const end = writer.at
  if (action.type === 'get') {
    writer.bytes(bytes(1), FAMILY)
    writer.close(bytes(2), end)
    writer.bytes(bytes(1), action.key)
    writer.close(bytes(3), end)
    return
  }
  const { key, value, timestamp } = action.row
  writer.varint(number(3), timestamp)
  writer.bytes(bytes(2), value)
  writer.bytes(bytes(1), QUALIFIER)
  writer.close(bytes(2), end)
  writer.bytes(bytes(1), FAMILY)
  writer.close(bytes(3), end)
  writer.varint(number(2), PUT)
  writer.bytes(bytes(1), key)
  writer.close(bytes(2), end)
}

/** Writes fields in front of those written before. */
class FrontWriter {
  readonly #buffer: Buffer
  at: number

  constructor(mostBytes: number) {
    this.#buffer = Buffer.allocUnsafe(mostBytes)
    this.at = mostBytes
  }

  bytes(tag: number, value: Buffer): void {
    this.at -= value.length
    this.#buffer.set(value, this.at)
    this.#length(tag, value.length)
  }

  /** @param value a whole number from 0 to 2^53 - 1 */
  varint(tag: number, value: number): void {
    this.#number(value)
    this.#buffer[--this.at] = tag
  }

  /** What was written since `end` becomes one message. */
  close(tag: number, end: number): void {
    this.#length(tag, end - this.at)
  }

  written(): Buffer {
    return this.#buffer.subarray(this.at)
  }

  #length(tag: number, length: number): void {
    this.#number(length)
    this.#buffer[--this.at] = tag
  }

  /** Seven bits a byte, the lowest first; all but the last have the high bit. */
  #number(value: number): void {
    let size = 1
    for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) size++
    this.at -= size
    let rest = value
    for (let i = 0; i < size - 1; i++, rest = Math.floor(rest / 128)) {
      this.#buffer[this.at + i] = (rest % 128) | 128
    }
    this.#buffer[this.at + size - 1] = rest
  }
}
