// The part of @elastic/elasticsearch that we call: one request, and closing. Everything else of it is typed for one server
// version, while a request as JSON is the same on 8 and 9.
import type { Json } from '#schemas/json'
import { ELASTICSEARCH_LIMITS, type ElasticsearchConfig } from './config.ts'
import { indexError } from './errors.ts'

export interface RequestOptions {
  readonly query?: Readonly<Record<string, string | number | boolean>>
  readonly body?: unknown
  /** A bulk request: JSON values, one a line. */
  readonly lines?: readonly string[]
  /** Silence after which it has failed. */
  readonly timeoutMs?: number
}

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD'

export interface ElasticsearchClient {
  /**
   * One request, tried once.
   * @throws MillraceError INDEX_UNAVAILABLE, INDEX_FAILED
   */
  request<T = Json>(method: Method, path: string, options?: RequestOptions): Promise<T>
  close(): Promise<void>
}

/** With it a client of version 9 speaks to servers of 8 and of 9. */
const MEDIA_TYPE = 'application/vnd.elasticsearch+json; compatible-with=8'
const LINES_TYPE = 'application/vnd.elasticsearch+x-ndjson; compatible-with=8'

/** Loads the library; connects when the first request is made. */
export async function connect({ node, auth }: ElasticsearchConfig): Promise<ElasticsearchClient> {
  const { Client } = await import('@elastic/elasticsearch')
  const client = new Client({
    node,
    ...(auth !== null && { auth: { ...auth } }),
    headers: { accept: MEDIA_TYPE, 'content-type': MEDIA_TYPE },
    maxRetries: 0,
    enableMetaHeader: false,
  })
  return {
    request: async <T>(method: Method, path: string, options: RequestOptions = {}) => {
      const { query, body, lines, timeoutMs = ELASTICSEARCH_LIMITS.requestMs } = options
      try {
        const reply = await client.transport.request(
          {
            method,
            path,
            ...(query !== undefined && { querystring: { ...query } }),
            ...(body !== undefined && { body: body as Record<string, unknown> }),
            ...(lines !== undefined && { bulkBody: `${lines.join('\n')}\n` }),
          },
          {
            requestTimeout: timeoutMs,
            ...(lines !== undefined && {
              headers: { accept: MEDIA_TYPE, 'content-type': LINES_TYPE },
            }),
          },
        )
        return reply as T
      } catch (error) {
        throw indexError(error)
      }
    },
    close: () => client.close(),
  }
}
