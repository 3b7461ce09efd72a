// What a term adds in the scorings of old, rounded to float32 where the stacks rounded. Every item index weighs alike, so
// this is written once.
import { murmur3 } from './hashes.ts'

const { fround } = Math

/** Elasticsearch 5 spread an index over so many shards, each with statistics of its own. */
export const OLD_SHARDS = 5

/** The shard, from 0, that Elasticsearch 5 kept an item in. */
export function oldShardOf(item: string): number {
  const remainder = (murmur3(item) | 0) % OLD_SHARDS
  return remainder < 0 ? remainder + OLD_SHARDS : remainder
}

/** Inverse document frequency: of `withValue` documents with a value in the field, `withTerm` have this one. */
export function idf(withValue: number, withTerm: number): number {
  return fround(Math.log(1 + (withValue - withTerm + 0.5) / (withTerm + 0.5)))
}

export function globalWeight(frequency: number, boost: number): number {
  return fround(frequency * boost)
}

/** k1 + 1 of BM25 as its float32. */
const FACTOR = fround(2.2)
const K1 = fround(1.2)
const B = fround(0.75)

export function es5Weight(frequency: number, boost: number): number {
  return fround(fround(fround(frequency * fround(boost)) * FACTOR) / FACTOR)
}

/** @param averageLength values a document of those that have the field */
export function es7Weight(frequency: number, boost: number, averageLength: number): number {
  const relative = fround(B / fround(averageLength))
  const inverse = fround(1 / fround(K1 * fround(fround(1 - B) + relative)))
  const weight = fround(fround(fround(boost) * FACTOR) * frequency)
  return fround(weight - fround(weight / fround(1 + inverse)))
}
