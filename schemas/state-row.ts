// The state of an entity as the value of a store's row: JSON, in which the few different stamps stand once.
//
//   [entityId, offset, set, deleted, firstUpdated, lastUpdated, stamps, cells]
//   stamps: eventTime, generation, offset, …     cells: key, stamp, value text or null, …
import type { EntityState, PropertyCell, Stamp } from './state.ts'

export interface StateRow {
  readonly entityId: string
  /** Offset of the last record that changed it. */
  readonly offset: number
  readonly state: EntityState
}

type Packed = readonly [
  entityId: string,
  offset: number,
  set: number,
  deleted: number,
  firstUpdated: number,
  lastUpdated: number,
  stamps: readonly number[],
  cells: readonly (string | number | null)[],
]

const NONE = -1

export function packState({ entityId, offset, state }: StateRow): Buffer {
  const stamps: number[] = []
  const known = new Map<string, number>()
  const place = (stamp: Stamp | null): number => {
    if (stamp === null) return NONE
    const name = `${stamp.eventTime}/${stamp.generation}/${stamp.offset}`
    const at = known.get(name) ?? stamps.length / 3
    if (!known.has(name)) {
      known.set(name, at)
      stamps.push(stamp.eventTime, stamp.generation, stamp.offset)
    }
    return at
  }
  const cells: (string | number | null)[] = []
  for (const [key, { stamp, value }] of state.properties) cells.push(key, place(stamp), value)
  const { firstUpdated, lastUpdated } = state
  const packed: Packed = [
    entityId,
    offset,
    place(state.set),
    place(state.deleted),
    firstUpdated,
    lastUpdated,
    stamps,
    cells,
  ]
  return Buffer.from(JSON.stringify(packed))
}

export function unpackState(row: Buffer): StateRow {
  const [entityId, offset, set, deleted, firstUpdated, lastUpdated, stamps, cells] = JSON.parse(
    row.toString(),
  ) as Packed
  const stampAt = (at: number): Stamp => ({
    eventTime: stamps[3 * at] as number,
    generation: stamps[3 * at + 1] as number,
    offset: stamps[3 * at + 2] as number,
  })
  const properties = new Map<string, PropertyCell>()
  for (let i = 0; i < cells.length; i += 3) {
    const stamp = stampAt(cells[i + 1] as number)
    properties.set(cells[i] as string, { stamp, value: cells[i + 2] as string | null })
  }
  return {
    entityId,
    offset,
    state: {
      properties,
      set: set === NONE ? null : stampAt(set),
      deleted: deleted === NONE ? null : stampAt(deleted),
      firstUpdated,
      lastUpdated,
    },
  }
}
