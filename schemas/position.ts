// Where a record stands in the log. A log has generations (more partitions = a new generation); within one, a
// partition's records have offsets 0, 1, 2, … without gaps on the embedded log, with gaps allowed on others.

export interface Position {
  readonly generation: number
  readonly partition: number
  readonly offset: number
}

/**
 * One place a partition of one generation: `offsets[p]` is the offset of the *next* record, so everything below it is
 * included. The end of an empty partition is 0.
 */
export interface Watermark {
  readonly generation: number
  readonly offsets: readonly number[]
}

export const ORIGIN_GENERATION = 0

/** Offsets of one generation and partition are below it. */
const OFFSETS_PER_GENERATION = 2 ** 40

/** One number for a place inside a partition: later records have higher ones, also over generations (up to 8,191). */
export function orderOf(place: { readonly generation: number; readonly offset: number }): number {
  return place.generation * OFFSETS_PER_GENERATION + place.offset
}

/** The watermark that includes nothing. */
export function emptyWatermark(partitions: number, generation = ORIGIN_GENERATION): Watermark {
  return { generation, offsets: new Array<number>(partitions).fill(0) }
}

/** True when everything `wanted` includes is included in `have`. */
export function covers(have: Watermark, wanted: Watermark): boolean {
  if (have.generation !== wanted.generation) return have.generation > wanted.generation
  return wanted.offsets.every((offset, partition) => (have.offsets[partition] ?? 0) >= offset)
}

/** The watermark that includes what either includes. Both must be of one generation, else the newer one wins. */
export function union(a: Watermark, b: Watermark): Watermark {
  if (a.generation !== b.generation) return a.generation > b.generation ? a : b
  const n = Math.max(a.offsets.length, b.offsets.length)
  return {
    generation: a.generation,
    offsets: Array.from({ length: n }, (_, p) => Math.max(a.offsets[p] ?? 0, b.offsets[p] ?? 0)),
  }
}

/** The `millrace-position` header: `generation/partition/offset,…`, the offsets of acknowledged records. */
export function formatPositions(positions: readonly Position[]): string {
  return positions.map((p) => `${p.generation}/${p.partition}/${p.offset}`).join(',')
}

const POSITION = /^(\d{1,9})\/(\d{1,9})\/(\d{1,15})$/

/** Reads a `millrace-position` header; null when it is malformed or names more than 1,000 positions. */
export function parsePositions(header: string): Position[] | null {
  const parts = header.split(',')
  if (parts.length > 1000) return null
  const positions: Position[] = []
  for (const part of parts) {
    const match = POSITION.exec(part.trim())
    if (!match) return null
    positions.push({
      generation: Number(match[1]),
      partition: Number(match[2]),
      offset: Number(match[3]),
    })
  }
  return positions
}

/** The watermark a reader has to wait for to see all `positions`; partitions that are not named stay at 0. */
export function watermarkOf(positions: readonly Position[], partitions: number): Watermark {
  const generation = positions.reduce((g, p) => Math.max(g, p.generation), ORIGIN_GENERATION)
  const offsets = new Array<number>(partitions).fill(0)
  for (const p of positions) {
    if (p.generation !== generation || p.partition >= partitions) continue
    offsets[p.partition] = Math.max(offsets[p.partition] ?? 0, p.offset + 1)
  }
  return { generation, offsets }
}
