// Many writes in one request, each with an outcome of its own: only those that were turned away because the server was busy
// are sent again. A request that is refused as a whole is sent in halves, until it is known whose fault it is.
import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { ElasticsearchClient } from './client.ts'
import { ELASTICSEARCH_LIMITS } from './config.ts'
import { statusOf } from './errors.ts'

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

interface Result {
  readonly status: number
  readonly error?: { readonly type: string; readonly reason: string }
}

type Results = readonly Readonly<Record<string, Result>>[]

/** Says something of a document and not of the server: it cannot be mapped, or is larger than the server takes. */
const OF_DOCUMENT: ReadonlySet<number | undefined> = new Set([400, 413])

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
      const portion = places.map((place) => lines[place] as string)
      const results = await send(client, alias, portion)
      for (const [i, item] of results.entries()) {
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

/** One request; in halves when it is refused whole. A proxy before the server may take less than the server. */
async function send(
  client: ElasticsearchClient,
  alias: string,
  lines: readonly string[],
): Promise<Results> {
  try {
    const options = { query: { require_alias: true }, lines }
    return (await client.request<{ items: Results }>('POST', `/${alias}/_bulk`, options)).items
  } catch (error) {
    const status = statusOf(error)
    if (status === undefined || !OF_DOCUMENT.has(status)) throw error
    if (lines.length === 1) {
      const { message: reason } = error as Error
      return [{ refused: { status, error: { type: 'request', reason } } }]
    }
    const middle = Math.ceil(lines.length / 2)
    const first = await send(client, alias, lines.slice(0, middle))
    return [...first, ...(await send(client, alias, lines.slice(middle)))]
  }
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

function outcomeOf({ status, error }: Result): Outcome {
  if (status < 300) return 'done'
  if (status === 409) return 'conflict'
  if (status === 404) return 'missing'
  const reason = `${error?.type}: ${error?.reason}`
  if (OF_DOCUMENT.has(status)) return { refused: reason }
  throw new MillraceError('INDEX_FAILED', { reason })
}
