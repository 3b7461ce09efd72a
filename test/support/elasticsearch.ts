// Item indexes over a real Elasticsearch for tests: each under a prefix of its own, all of which are dropped at the end.
import { systemClock } from '#ports/clock'
import type { ItemIndex } from '#ports/item-index'
import { silentTelemetry } from '#ports/telemetry'
import { createIdSource } from '#schemas/ids'
import { connect, type ElasticsearchClient } from '../../infra/elasticsearch/client.ts'
import { elasticsearchConfig } from '../../infra/elasticsearch/config.ts'
import { openItemIndex } from '../../infra/elasticsearch/item-index.ts'

export interface TestIndexes {
  readonly client: ElasticsearchClient
  /** Opens an index under a new prefix, or under one that is in use. */
  open(prefix?: string): Promise<ItemIndex>
  newPrefix(): string
  /** Closes all, and drops what they left. */
  close(): Promise<void>
}

export async function createTestIndexes(url: string): Promise<TestIndexes> {
  const ids = createIdSource()
  const run = `test-${ids(systemClock.now()).slice(-8)}`
  const client = await connect(elasticsearchConfig(url, run))
  const opened: ItemIndex[] = []
  const prefixes: string[] = []
  const newPrefix = (): string => {
    const prefix = `${run}-${prefixes.length}`
    prefixes.push(prefix)
    return prefix
  }
  const dropAll = async (): Promise<void> => {
    const found = await client.request<Record<string, unknown>>('GET', `/${run}-*`, {
      query: { filter_path: '*.aliases' },
    })
    for (const name of Object.keys(found)) await client.request('DELETE', `/${name}`)
  }
  return {
    client,
    newPrefix,
    open: async (prefix = newPrefix()) => {
      const shared = { clock: systemClock, telemetry: silentTelemetry, ids }
      const index = await openItemIndex({ url, prefix, ...shared })
      opened.push(index)
      return index
    },
    close: async () => {
      for (const index of opened) await index.close()
      await dropAll()
      await client.close()
    },
  }
}
