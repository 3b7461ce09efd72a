// What was told of an app's items, kept once an app for the versions to come: states under their offset as the document's
// version, sightings as documents that are there or not.
import type { IndexVersion, ItemChange, ItemRefusal } from '#ports/item-index'
import type { ItemState } from '#schemas/state'
import { bulkWrite, isRefused, type Write } from './bulk.ts'
import type { ElasticsearchClient } from './client.ts'
import { replaces, stateDigest } from './document.ts'
import { isMissing, statusOf } from './errors.ts'
import { fromKey, itemsIndex, seenId, stateId, toKey, writeAlias } from './keys.ts'
import { itemsLayout } from './mappings.ts'
import { readDocuments, type WriterDeps } from './version-writer.ts'

/** A batch of changes, each item once. */
export interface ToldBatch {
  /** The newest state of each item. */
  readonly states: ReadonlyMap<string, ItemState>
  /** Items seen as targets, by event. */
  readonly seen: ReadonlyMap<string, ReadonlySet<string>>
}

interface ToldDocument {
  readonly kind: 'state' | 'seen'
  readonly item: string
  readonly event: string
  readonly offset: number
  readonly digest: string
  readonly exists: boolean
  readonly deleted: boolean
  readonly properties: string
  /** It was merged into every version that was there. */
  readonly done: boolean
}

export function toBatch(changes: readonly ItemChange[]): ToldBatch {
  const states = new Map<string, ItemState>()
  const seen = new Map<string, Set<string>>()
  for (const change of changes) {
    if (change.type === 'seen') {
      const items = seen.get(change.event) ?? new Set<string>()
      seen.set(change.event, items.add(change.item))
      continue
    }
    const { state } = change
    if ((states.get(state.item)?.offset ?? 0) <= state.offset) states.set(state.item, state)
  }
  return { states, seen }
}

const PROGRESS = ['offset', 'digest', 'done']

export interface Kept {
  /** What is to be merged into the versions: neither older than what was told before, nor told and merged already. */
  readonly batch: ToldBatch
  /** Items that could not even be kept. */
  readonly refusals: readonly ItemRefusal[]
  /** Says that it was merged, so that it need not be looked at when it is told again, as at every start. */
  done(): Promise<void>
}

/**
 * Keeps what is new in a batch.
 * @throws MillraceError INDEX_UNAVAILABLE, INDEX_FAILED
 */
export async function keepBatch(
  { client, clock }: WriterDeps,
  prefix: string,
  app: number,
  batch: ToldBatch,
): Promise<Kept> {
  const index = itemsIndex(prefix, app)
  const told = [...stateTellings(batch), ...seenTellings(batch)]
  const ids = told.map(({ id }) => id)
  const known = await knownOf(client, index, ids)
  const open = told
    .map((telling, i) => ({ telling, kept: known[i]?._source ?? null }))
    .filter(({ telling, kept }) => kept === null || isOpen(telling, kept))
  const fresh = open.filter(({ telling, kept }) => kept === null || isFresh(telling, kept))
  const writes = fresh.map(({ telling }) => telling.write(false))
  // What is kept is not mapped: only its size can be refused.
  let outcomes = await bulkWrite(client, writeAlias(index), writes, clock)
  if (outcomes.includes('missing')) {
    await createItemsIndex(client, index)
    outcomes = await bulkWrite(client, writeAlias(index), writes, clock)
  }
  const refusals: ItemRefusal[] = []
  const dropped = new Set<Telling>()
  for (const [i, { telling }] of fresh.entries()) {
    const outcome = outcomes[i]
    if (isRefused(outcome)) {
      refusals.push({ item: itemOf(telling.change), reason: outcome.refused })
      dropped.add(telling)
    }
    // A conflict is a newer state.
    else if (telling.state !== null && outcome === 'conflict') dropped.add(telling)
  }
  const left = open.map(({ telling }) => telling).filter((telling) => !dropped.has(telling))
  return {
    batch: toBatch(left.map(({ change }) => change)),
    refusals,
    done: async () => {
      const marks = left.map(({ write }) => write(true))
      await bulkWrite(client, writeAlias(index), marks, clock)
    },
  }
}

/** One change with the document it is kept as. */
interface Telling {
  readonly id: string
  readonly change: ItemChange
  readonly state: ItemState | null
  write(done: boolean): Write
}

function itemOf(change: ItemChange): string {
  return change.type === 'state' ? change.state.item : change.item
}

/** There is something to do about a change whose document is there. */
function isOpen({ state }: Telling, kept: ToldDocument): boolean {
  if (state === null) return !kept.done
  return replaces(state, kept) || (state.offset === kept.offset && !kept.done)
}

/** The document itself has to be written. */
function isFresh({ state }: Telling, kept: ToldDocument): boolean {
  return state !== null && replaces(state, kept)
}

function stateTellings({ states }: ToldBatch): Telling[] {
  return [...states.values()].map((state) => ({
    id: stateId(state.item),
    change: { type: 'state', state },
    state,
    write: (done) => stateWrite(state, done),
  }))
}

function seenTellings({ seen }: ToldBatch): Telling[] {
  return [...seen].flatMap(([event, items]) =>
    [...items].map(
      (item): Telling => ({
        id: seenId(event, item),
        change: { type: 'seen', event, item },
        state: null,
        write: (done) => seenWrite(event, item, done),
      }),
    ),
  )
}

async function knownOf(client: ElasticsearchClient, index: string, ids: readonly string[]) {
  try {
    return await readDocuments<ToldDocument>(client, index, ids, PROGRESS)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

async function createItemsIndex(client: ElasticsearchClient, index: string): Promise<void> {
  const layout = itemsLayout() as Record<string, unknown>
  const body = { ...layout, aliases: { [writeAlias(index)]: {} } }
  try {
    await client.request('PUT', `/${index}`, { body })
  } catch (error) {
    // Somebody else was quicker.
    if (statusOf(error) !== 400 || !String(error).includes('resource_already_exists')) throw error
  }
}

function stateWrite(state: ItemState, done: boolean): Write {
  const { item, offset, exists, deleted, properties } = state
  return {
    action: 'index',
    meta: { _id: stateId(item), version: offset, version_type: 'external_gte' },
    document: {
      kind: 'state',
      item: toKey(item),
      offset,
      exists,
      deleted,
      digest: stateDigest(state),
      properties: JSON.stringify(properties),
      done,
    },
  }
}

function seenWrite(event: string, item: string, done: boolean): Write {
  return {
    action: 'index',
    meta: { _id: seenId(event, item) },
    document: { kind: 'seen', item: toKey(item), event, done },
  }
}

/** What is kept of an item. */
export interface Told {
  readonly state: ItemState | null
  readonly seen: boolean
}

const NOTHING: Told = { state: null, seen: false }

/** What is kept of some items, in their order: states, and whether they were targets of a primary event. */
export async function readTold(
  client: ElasticsearchClient,
  prefix: string,
  { app, primaryEvents }: Pick<IndexVersion, 'app' | 'primaryEvents'>,
  items: readonly string[],
): Promise<readonly Told[]> {
  const idsOf = (item: string): string[] => [
    stateId(item),
    ...primaryEvents.map((event) => seenId(event, item)),
  ]
  const ids = items.flatMap(idsOf)
  const each = 1 + primaryEvents.length
  const index = itemsIndex(prefix, app)
  try {
    const found = await readDocuments<ToldDocument>(client, index, ids, ['*'])
    return items.map((_, i) => {
      const [state, ...seen] = found.slice(each * i, each * (i + 1)).map((one) => one?._source)
      return {
        state: state === undefined ? null : stateOf(state),
        seen: seen.some((one) => one !== undefined),
      }
    })
  } catch (error) {
    if (isMissing(error)) return items.map(() => NOTHING)
    throw error
  }
}

/** The change that a kept document was made of. */
export function changeOf(document: ToldDocument): ItemChange {
  return document.kind === 'state'
    ? { type: 'state', state: stateOf(document) }
    : { type: 'seen', event: document.event, item: fromKey(document.item) }
}

function stateOf({ item, offset, exists, deleted, properties }: ToldDocument): ItemState {
  return { item: fromKey(item), offset, exists, deleted, properties: JSON.parse(properties) }
}

/** All that counts in versions with these primary events: every state, and their targets. */
export function versionFilter(events: readonly string[]): unknown {
  return { bool: { should: [{ term: { kind: 'state' } }, { terms: { event: events } }] } }
}
