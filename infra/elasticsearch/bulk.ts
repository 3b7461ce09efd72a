// Many writes in one request, each with an outcome of its own: only those that were turned away because the server was busy
// are sent again.
import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { ElasticsearchClient } from './client.ts'
import { ELASTICSEARCH_LIMITS } from './config.ts'

const { bulkBytes, bulkDocuments, bulkTries } = ELASTICSEARCH_LIMITS

export interface Write {
  readonly action: 'create' | 'index' | 'update' | 'delete'
  /** `_id`, and what the write is conditional on. */
  readonly meta: Readonly<Record<string, string | number>>
  /** Of an update, the members to replace. */
  readonly document?: unknown
}

/** Why Elasticsearch will never take a document as it is. */
export interface Refused {
  readonly refused: string
}

/** `conflict`: somebody else wrote first. `missing`: the document or the index is not there. */
export type Outcome = 'done' | 'conflict' | 'missing' | Refused

export function isRefused(outcome: Outcome | undefined): outcome is Refused {
  return typeof outcome === 'object'
}

interface BulkReply {
  readonly items: readonly Readonly<
    Record<string, { status: number; error?: { type: string; reason: string } }>
  >[]
}

/**
 * Writes through an alias, so that a dropped index is not made anew. Outcomes stand in the order of the writes.
 * @throws MillraceError INDEX_UNAVAILABLE, INDEX_FAILED
 */
export async function bulkWrite(
  client: ElasticsearchClient,
  alias: string,
  writes: readonly Write[],
  clock: Clock,
): Promise<readonly Outcome[]> {
  const outcomes = new Array<Outcome>(writes.length)
  const lines = writes.map(linesOf)
  let waiting = writes.map((_, place) => place)
  for (let tries = 1; waiting.length > 0; tries++) {
    const busy: number[] = []
    let reason = ''
    for (const places of portions(waiting, lines)) {
      const reply = await client.request<BulkReply>('POST', `/${alias}/_bulk`, {
        query: { require_alias: true },
        lines: places.map((place) => lines[place] as string),
      })
      for (const [i, item] of reply.items.entries()) {
        const place = places[i] as number
        const [result] = Object.values(item)
        if (result === undefined || result.status === 429 || result.status === 503) {
          busy.push(place)
          reason = result?.error?.reason ?? 'busy'
        } else outcomes[place] = outcomeOf(result)
      }
    }
    waiting = busy
    if (waiting.length === 0) break
    if (tries === bulkTries) throw new MillraceError('INDEX_UNAVAILABLE', { reason })
    await clock.sleep(50 * 2 ** tries)
  }
  return outcomes
}

function linesOf({ action, meta, document }: Write): string {
  const head = JSON.stringify({ [action]: meta })
  if (document === undefined) return head
  return `${head}\n${JSON.stringify(action === 'update' ? { doc: document } : document)}`
}

function* portions(places: readonly number[], lines: readonly string[]): Generator<number[]> {
  let portion: number[] = []
  let bytes = 0
  for (const place of places) {
    const size = (lines[place] as string).length
    if (portion.length === bulkDocuments || (portion.length > 0 && bytes + size > bulkBytes)) {
      yield portion
      portion = []
      bytes = 0
    }
    portion.push(place)
    bytes += size
  }
  if (portion.length > 0) yield portion
}

function outcomeOf({
  status,
  error,
}: {
  status: number
  error?: { type: string; reason: string }
}): Outcome {
  if (status < 300) return 'done'
  if (status === 409) return 'conflict'
  if (status === 404) return 'missing'
  const refused = `${error?.type}: ${error?.reason}`
  if (status < 500) return { refused }
  throw new MillraceError('INDEX_FAILED', { reason: refused })
}
