// How writers of one document agree: given what stands there, when a part comes, then this is written.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ItemState } from '#schemas/state'
import {
  createModelReader,
  type ItemPart,
  type KnownDocument,
  mergeDocument,
} from '../../infra/elasticsearch/document.ts'
import type { VersionMeta } from '../../infra/elasticsearch/versions.ts'
import { makeModel, SMALL, VERSION } from '../support/item-index-fixture.ts'

const META: VersionMeta = {
  version: { ...VERSION, userDefinedRankings: ['stars'] },
  indicators: ['buy', 'view'],
  rankings: ['popRank'],
  clears: 0,
  startedAt: 0,
}

const state = (offset: number, properties: ItemState['properties'] | null): ItemState => ({
  item: 'a',
  offset,
  exists: properties !== null,
  deleted: false,
  properties: properties ?? {},
})

const part = (parts: Partial<ItemPart>): ItemPart => ({
  item: 'a',
  state: null,
  seen: false,
  model: null,
  ...parts,
})

const readModel = createModelReader(makeModel(SMALL), ['stars'])

type Members = Readonly<Record<string, unknown>>

/** What stands in the index after some parts were merged, in this order: a partial write merges objects. */
function merged(parts: readonly ItemPart[], meta = META): Members | null {
  let document: Members | null = null
  for (const one of parts) {
    document = overwritten(document, mergeDocument(document as KnownDocument | null, one, meta))
  }
  return document
}

function overwritten(document: Members | null, written: Members | null): Members | null {
  if (written === null) return document
  const inside = (members: Members | null, name: string): object =>
    Object.assign({}, members?.[name])
  const nested = ['rank', 'date']
    .filter((name) => written[name] !== undefined)
    .map((name) => [name, { ...inside(document, name), ...inside(written, name) }])
  return { ...document, ...written, ...Object.fromEntries(nested) }
}

describe('merging a document', () => {
  const model = part({ model: readModel(0) })
  const old = part({ state: state(5, { color: 'red', at: '2025-01-01', stars: 3 }) })
  const fresh = part({ state: state(9, { size: ['S', 'M'] }) })
  const seen = part({ seen: true })

  test('the order of writers does not matter', () => {
    const withoutNull = (document: Members | null): unknown =>
      JSON.parse(
        JSON.stringify(document, (_key, value: unknown) => (value === null ? undefined : value)),
      )
    const expected = withoutNull(merged([model, old, fresh, seen]))
    const orders = [
      [fresh, old, seen, model],
      [seen, fresh, model, old],
      [old, model, seen, fresh],
      [old, fresh, fresh, seen, old, model, model],
    ]
    for (const order of orders) assert.deepEqual(withoutNull(merged(order)), expected)
  })

  test('a state of a lower offset writes nothing, nor one that is told again', () => {
    const known = merged([fresh]) as unknown as KnownDocument
    assert.equal(mergeDocument(known, old, META), null)
    assert.equal(mergeDocument(known, fresh, META), null)
    assert.notEqual(mergeDocument(known, part({ state: state(9, { size: 'L' }) }), META), null)
  })

  test('what a state does not name any more is taken out, nested members by name', () => {
    const known = merged([old]) as unknown as KnownDocument
    const written = mergeDocument(known, fresh, META)
    assert.deepEqual(written?.date, { at: null, stars: null })
    assert.deepEqual(written?.rank, { stars: null })
    assert.deepEqual(written?.fields, ['psize', '1:psize'])
    assert.deepEqual(written?.text, ['4:size=S', '4:size=M'])
  })

  test('an item is a document by the model, by properties or by a sighting, unless deleted', () => {
    const flags = (...parts: ItemPart[]) => {
      const { document, live } = merged(parts) ?? {}
      return [document, live]
    }
    const gone = part({ state: { ...state(7, null), deleted: true } })
    assert.deepEqual(flags(model), [true, true])
    assert.deepEqual(flags(old), [true, true])
    assert.deepEqual(flags(seen), [true, true])
    assert.deepEqual(flags(part({ state: state(1, null) })), [false, false])
    assert.deepEqual(flags(model, gone), [true, false])
    assert.deepEqual(flags(gone), [false, false])
    assert.deepEqual(flags(seen, gone, fresh), [true, true])
  })

  test('once the items were forgotten, the model makes no documents', () => {
    const { document } = merged([model], { ...META, clears: 1 }) ?? {}
    assert.equal(document, false)
    assert.equal(merged([model, seen], { ...META, clears: 1 })?.live, true)
  })

  test('a row of the model is one vector of all lists, with the prior', () => {
    const { evidence, lists, rank } = readModel(0)
    assert.deepEqual(Object.keys(evidence), ['0=b', '0=c', '1=term 1', 'prior=popRank'])
    assert.deepEqual(lists, ['i0', '1:i0', 'i1', '0:i1'])
    assert.deepEqual(rank, { popRank: 4 })
  })
})
