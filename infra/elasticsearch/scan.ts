// All documents of an index, page by page, as they were at its last refresh.
import type { ElasticsearchClient } from './client.ts'
import { ELASTICSEARCH_LIMITS } from './config.ts'

export interface ScannedDocument<T> {
  readonly _id: string
  readonly _seq_no: number
  readonly _primary_term: number
  readonly _source: T
}

interface Page<T> {
  readonly pit_id: string
  readonly hits: {
    readonly hits: readonly (ScannedDocument<T> & { readonly sort: readonly unknown[] })[]
  }
}

/** A page may take this long to be worked on. */
const KEEP_ALIVE = '5m'

/** @throws MillraceError INDEX_UNAVAILABLE, INDEX_FAILED */
export async function* scanIndex<T>(
  client: ElasticsearchClient,
  index: string,
  filter: unknown,
  members: readonly string[],
): AsyncGenerator<readonly ScannedDocument<T>[]> {
  const opened = await client.request<{ id: string }>('POST', `/${index}/_pit`, {
    query: { keep_alive: KEEP_ALIVE },
  })
  let { id } = opened
  try {
    let after: readonly unknown[] | undefined
    for (;;) {
      const page = await client.request<Page<T>>('POST', '/_search', {
        body: {
          pit: { id, keep_alive: KEEP_ALIVE },
          size: ELASTICSEARCH_LIMITS.bulkDocuments,
          query: { bool: { filter } },
          sort: ['_shard_doc'],
          track_total_hits: false,
          seq_no_primary_term: true,
          _source: members,
          ...(after !== undefined && { search_after: after }),
        },
      })
      id = page.pit_id
      const { hits } = page.hits
      if (hits.length === 0) return
      yield hits
      after = hits.at(-1)?.sort
    }
  } finally {
    await client.request('DELETE', '/_pit', { body: { id } })
  }
}
