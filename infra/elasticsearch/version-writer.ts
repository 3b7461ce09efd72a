// Writes parts of items into the documents of one version: reads what stands there with its sequence number, merges, and
// writes on the condition that it still stands so; what somebody else changed meanwhile is read and merged again.
import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { ItemRefusal } from '#ports/item-index'
import { bulkWrite, isRefused, type Outcome, type Write } from './bulk.ts'
import type { ElasticsearchClient } from './client.ts'
import { ELASTICSEARCH_LIMITS } from './config.ts'
import { type ItemPart, KNOWN_MEMBERS, type KnownDocument, mergeDocument } from './document.ts'
import { isMissing } from './errors.ts'
import { documentId, writeAlias } from './keys.ts'
import type { VersionIndex } from './versions.ts'

export interface WriterDeps {
  readonly client: ElasticsearchClient
  readonly clock: Clock
}

export interface FoundDocument<T> {
  readonly _id: string
  readonly found?: boolean
  readonly _seq_no: number
  readonly _primary_term: number
  readonly _source: T
}

/** Documents by id as they are written now, refreshed or not; null for those that are not there. */
export async function readDocuments<T>(
  client: ElasticsearchClient,
  index: string,
  ids: readonly string[],
  members: readonly string[],
): Promise<readonly (FoundDocument<T> | null)[]> {
  if (ids.length === 0) return []
  const { docs } = await client.request<{ docs: readonly FoundDocument<T>[] }>(
    'POST',
    `/${index}/_mget`,
    { body: { ids }, query: { _source_includes: members.join(',') } },
  )
  return docs.map((document) => (document.found === true ? document : null))
}

export interface Merged {
  /** Something was written. */
  wrote: boolean
  readonly refusals: ItemRefusal[]
}

/**
 * Merges parts of distinct items. A version that was dropped meanwhile takes nothing, and that is fine.
 * @throws MillraceError INDEX_UNAVAILABLE, INDEX_FAILED
 */
export async function mergeParts(
  deps: WriterDeps,
  version: VersionIndex,
  parts: readonly ItemPart[],
): Promise<Merged> {
  const merged: Merged = { wrote: false, refusals: [] }
  for (let at = 0; at < parts.length; at += ELASTICSEARCH_LIMITS.bulkDocuments) {
    const portion = parts.slice(at, at + ELASTICSEARCH_LIMITS.bulkDocuments)
    await mergePortion(deps, version, portion, merged)
  }
  return merged
}

async function mergePortion(
  { client, clock }: WriterDeps,
  version: VersionIndex,
  parts: readonly ItemPart[],
  merged: Merged,
): Promise<void> {
  let waiting = parts
  for (let tries = 1; waiting.length > 0; tries++) {
    if (tries > ELASTICSEARCH_LIMITS.mergeTries) {
      throw new MillraceError('INDEX_UNAVAILABLE', {
        reason: `documents of ${version.name} are being written by others all the time`,
      })
    }
    const ids = waiting.map(({ item }) => documentId(item))
    const known = await readDocuments<KnownDocument>(client, version.name, ids, KNOWN_MEMBERS)
    const planned = waiting.flatMap((part, i) => {
      const write = writeOf(ids[i] as string, known[i] ?? null, part, version)
      return write === null ? [] : [{ part, write }]
    })
    const outcomes = await writeAll(
      client,
      clock,
      version.name,
      planned.map(({ write }) => write),
    )
    if (outcomes.includes('done')) merged.wrote = true
    for (const [i, { part }] of planned.entries()) {
      const outcome = outcomes[i]
      if (isRefused(outcome)) merged.refusals.push({ item: part.item, reason: outcome.refused })
    }
    waiting = planned.filter((_, i) => outcomes[i] === 'conflict').map(({ part }) => part)
  }
}

/** A request to an alias that is not there is a refusal of all its writes. */
async function writeAll(
  client: ElasticsearchClient,
  clock: Clock,
  index: string,
  writes: readonly Write[],
): Promise<readonly Outcome[]> {
  try {
    return await bulkWrite(client, writeAlias(index), writes, clock)
  } catch (error) {
    if (isMissing(error)) return writes.map(() => 'missing' as const)
    throw error
  }
}

function writeOf(
  id: string,
  known: FoundDocument<KnownDocument> | null,
  part: ItemPart,
  { meta }: VersionIndex,
): Write | null {
  const document = mergeDocument(known?._source ?? null, part, meta)
  if (document === null) return null
  if (known === null) return { action: 'create', meta: { _id: id }, document }
  return { action: 'update', meta: { _id: id, ...conditionOf(known) }, document }
}

/** Writes only if nobody wrote since this was read. */
export function conditionOf({ _seq_no, _primary_term }: FoundDocument<unknown>) {
  return { if_seq_no: _seq_no, if_primary_term: _primary_term }
}
