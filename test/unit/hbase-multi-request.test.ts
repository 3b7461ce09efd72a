import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clientMessages, type MessageClass } from '../../infra/hbase/library.ts'
import { encodeMulti, type RegionActions, type RowAction } from '../../infra/hbase/multi-request.ts'
import { createRandom, type Random } from '../support/random.ts'

const MultiRequest = clientMessages.MultiRequest as MessageClass
const FAMILY = Buffer.from('e')
const LONGEST = 40_000

/** The same request by the library's encoder. */
function byLibrary(regions: readonly RegionActions[]): Buffer {
  const actionOf = (action: RowAction): object => {
    if (action.type === 'get') return { gxt: { row: action.key, column: [{ family: FAMILY }] } }
    const { key, value, timestamp } = action.row
    const qualifierValue = [{ qualifier: Buffer.alloc(0), value, timestamp }]
    const columnValue = [{ family: FAMILY, qualifierValue }]
    return { mutation: { row: key, mutateType: 'PUT', columnValue } }
  }
  return new MultiRequest({
    regionAction: regions.map(({ region, actions }) => ({
      region: { type: 'REGION_NAME', value: region },
      action: actions.map((action, index) => ({ index, ...actionOf(action) })),
    })),
  }).toBuffer()
}

/** What the library reads from our bytes, in its own: it also writes fields that have their default. */
function readByLibrary(regions: readonly RegionActions[]): Buffer {
  const message = MultiRequest.decode(encodeMulti(regions)) as unknown as { toBuffer(): Buffer }
  return message.toBuffer()
}

function randomBytes(random: Random, longest: number): Buffer {
  return Buffer.from(Array.from({ length: random.below(longest) }, () => random.below(256)))
}

function randomAction(random: Random): RowAction {
  const key = randomBytes(random, 60)
  if (random.below(3) === 0) return { type: 'get', key }
  const value = randomBytes(random, random.below(20) === 0 ? LONGEST : 300)
  const timestamp = Math.floor(random.next() * 2 ** random.below(54))
  return { type: 'put', row: { key, value, timestamp } }
}

describe('hbase: a request of many rows', () => {
  it('is read by the library as its own', () => {
    const random = createRandom(11)
    for (let round = 0; round < 60; round++) {
      const regions = Array.from({ length: random.below(4) }, () => ({
        region: randomBytes(random, 200),
        actions: Array.from({ length: random.below(200) }, () => randomAction(random)),
      }))
      assert.deepEqual(readByLibrary(regions), byLibrary(regions))
    }
  })

  it('holds the greatest position that there is', () => {
    const row = { key: Buffer.from('k'), value: Buffer.alloc(0), timestamp: 2 ** 53 - 1 }
    const regions = [{ region: Buffer.from('r'), actions: [{ type: 'put', row }] as const }]
    assert.deepEqual(readByLibrary(regions), byLibrary(regions))
  })
})
