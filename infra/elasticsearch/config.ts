// What a configuration says of Elasticsearch: `index = "http://user:password@host:9200"`. The limits are decided here.
import { MillraceError } from '#ports/errors'

export interface ElasticsearchConfig {
  /** Address without credentials. */
  readonly node: string
  readonly auth: { readonly username: string; readonly password: string } | null
  /** Begins the name of every index. */
  readonly prefix: string
}

export const ELASTICSEARCH_LIMITS = {
  /** Silence of a search after which it has failed, milliseconds. */
  searchMs: 2_000,
  /** Silence of any other request. */
  requestMs: 30_000,
  /** A merge of all segments of a version may take long. */
  mergeMs: 30 * 60_000,
  /** Time between two refreshes at least. */
  refreshEveryMs: 200,
  /** Documents a bulk request, and its bytes. */
  bulkDocuments: 500,
  bulkBytes: 4 * 1024 * 1024,
  /** Attempts at an item of a bulk that was turned away because the server was busy. */
  bulkTries: 8,
  /** Attempts at a document that others write at the same time. */
  mergeTries: 20,
  /**
   * Clauses a query: Elasticsearch allows 8,192 with a heap of 512 MB, and more with more. Ids beyond it are left out, the
   * last of each clause first, and the answer says so.
   */
  clauses: 8_000,
  /** Values of one `terms` query; more are asked for in several. */
  terms: 65_536,
  /** Documents of one search. */
  window: 10_000,
  /** Names of properties that can be dates, and rankings; dates under other names are not indexed. */
  fields: 1_000,
  /** An index that was being built for so long is nobody's. */
  buildMs: 24 * 60 * 60_000,
} as const

/** @throws MillraceError CONFIG_INVALID */
export function elasticsearchConfig(url: string, prefix: string): ElasticsearchConfig {
  const parsed = URL.parse(url)
  const isPlain = parsed?.pathname === '/' && parsed.search === '' && parsed.hash === ''
  if (parsed === null || !isPlain || !['http:', 'https:'].includes(parsed.protocol)) {
    throw new MillraceError('CONFIG_INVALID', {
      where: 'index',
      reason: `"${url}" is not the address of an Elasticsearch`,
      mend: 'Write http://HOST:9200 or https://USER:PASSWORD@HOST:9200.',
    })
  }
  const { username, password } = parsed
  return {
    node: parsed.origin,
    auth:
      username === ''
        ? null
        : { username: decodeURIComponent(username), password: decodeURIComponent(password) },
    prefix,
  }
}
