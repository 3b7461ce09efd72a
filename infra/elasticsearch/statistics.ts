// How many documents have a term, and a value in a field, for the scorings of old. Elasticsearch's own statistics count
// documents that were overwritten too until segments merge, so they are counted here, by one request before the search for
// all that is not known. Those of the model never change; those of properties are live, and known until the next refresh.
import { OLD_SHARDS } from '#schemas/old-weights'
import type { ElasticsearchClient } from './client.ts'
import { ELASTICSEARCH_LIMITS } from './config.ts'
import type { Clause } from './filter.ts'

export interface Count {
  /** Tells counts apart. */
  readonly key: string
  readonly clause: Clause
  /** It changes with the states of items. */
  readonly live: boolean
}

/** Documents by shard of old, or in one number. */
export type Counts = ReadonlyMap<string, readonly number[]>

export interface Statistics {
  /** @throws MillraceError INDEX_UNAVAILABLE, INDEX_FAILED */
  count(index: string, counts: readonly Count[], byShard: boolean): Promise<Counts>
  /** What is live has changed. */
  refreshed(): void
  /** The index is gone. */
  forget(index: string): void
}

interface Known {
  readonly model: Map<string, readonly number[]>
  live: Map<string, readonly number[]>
  /** Of the live ones. */
  countedAt: number
}

/** Counts of a version that are remembered; beyond it all are forgotten and counted again. */
const KNOWN_MAX = 200_000

/** Filters of one request. */
const FILTERS_MAX = 1_000

interface Reply {
  readonly aggregations: {
    readonly counts: {
      readonly buckets: Readonly<
        Record<
          string,
          {
            readonly doc_count: number
            readonly shards?: { readonly buckets: readonly { key: number; doc_count: number }[] }
          }
        >
      >
    }
  }
}

/** @param now monotonic, milliseconds */
export function createStatistics(client: ElasticsearchClient, now: () => number): Statistics {
  const versions = new Map<string, Known>()

  const knownOf = (index: string): Known => {
    let known = versions.get(index)
    if (known === undefined) {
      known = { model: new Map(), live: new Map(), countedAt: now() }
      versions.set(index, known)
    }
    if (known.model.size > KNOWN_MAX) known.model.clear()
    // Another process may have refreshed.
    if (
      now() - known.countedAt > ELASTICSEARCH_LIMITS.refreshEveryMs ||
      known.live.size > KNOWN_MAX
    ) {
      known.live = new Map()
      known.countedAt = now()
    }
    return known
  }

  return {
    async count(index, counts, byShard) {
      const known = knownOf(index)
      const { live } = known
      const mapOf = (count: Count) => (count.live ? live : known.model)
      const keyOf = ({ key }: Count): string => (byShard ? `shards ${key}` : key)
      const missing = counts.filter((count) => !mapOf(count).has(keyOf(count)))
      for (let at = 0; at < missing.length; at += FILTERS_MAX) {
        const portion = missing.slice(at, at + FILTERS_MAX)
        const found = await ask(client, index, portion, byShard)
        for (const [i, count] of portion.entries()) mapOf(count).set(keyOf(count), found[i] ?? [])
      }
      return new Map(counts.map((count) => [count.key, mapOf(count).get(keyOf(count)) ?? []]))
    },
    refreshed: () => {
      for (const known of versions.values()) known.live = new Map()
    },
    forget: (index) => {
      versions.delete(index)
    },
  }
}

async function ask(
  client: ElasticsearchClient,
  index: string,
  counts: readonly Count[],
  byShard: boolean,
): Promise<readonly (readonly number[])[]> {
  const filters = Object.fromEntries(counts.map(({ clause }, i) => [i, clause]))
  const shards = { aggs: { shards: { terms: { field: 'shard', size: OLD_SHARDS } } } }
  const { aggregations } = await client.request<Reply>('POST', `/${index}/_search`, {
    body: {
      size: 0,
      track_total_hits: false,
      aggs: { counts: { filters: { filters }, ...(byShard && shards) } },
    },
    timeoutMs: ELASTICSEARCH_LIMITS.searchMs,
  })
  return counts.map((_, i) => {
    const bucket = aggregations.counts.buckets[i]
    if (bucket === undefined) return []
    if (!byShard) return [bucket.doc_count]
    const numbers = new Array<number>(OLD_SHARDS).fill(0)
    for (const { key, doc_count } of bucket.shards?.buckets ?? []) numbers[key] = doc_count
    return numbers
  })
}
