// The one place where kafkajs is loaded: with zstd, which it leaves to its users, and with the mend that Node 24 needs.
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import {
  constants,
  zstdCompress,
  zstdCompressSync,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib'
import { systemClock } from '#ports/clock'

type Kafkajs = typeof import('kafkajs')

interface RequestQueue {
  readonly pending: readonly unknown[]
  readonly throttledUntil: number
  scheduleCheckPendingRequests(): void
}

/** Below it the way to another thread costs more than the work. */
const SMALL_BYTES = 64 * 1024
const SPEED = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

const ZSTD = {
  compress: async ({ buffer }: { buffer: Buffer }): Promise<Buffer> =>
    buffer.length <= SMALL_BYTES
      ? zstdCompressSync(buffer, SPEED)
      : promisify(zstdCompress)(buffer, SPEED),
  decompress: async (buffer: Buffer): Promise<Buffer> =>
    buffer.length <= SMALL_BYTES ? zstdDecompressSync(buffer) : promisify(zstdDecompress)(buffer),
}

let loaded: Kafkajs | null = null

/** Loads kafkajs; the first call takes about 100 ms. */
export async function loadKafkajs(): Promise<Kafkajs> {
  if (loaded !== null) return loaded
  const { default: kafkajs } = await import('kafkajs')
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ZSTD
  mendRequestQueue()
  loaded = kafkajs as Kafkajs
  return loaded
}

/**
 * After each reply kafkajs sets a timer of `throttledUntil - now`, where `throttledUntil` is -1 when nothing is throttled:
 * Node 24 warns of every negative time. With nothing pending and no throttling there is nothing to look at.
 */
function mendRequestQueue(): void {
  const require = createRequire(import.meta.url)
  const { prototype } = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue }
  const original = prototype.scheduleCheckPendingRequests
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length > 0 || this.throttledUntil > systemClock.now()) original.call(this)
  }
}
