// Erasures and data-deletes of one channel, as found in a scan: each ends what stands before it.

/** Where a record stands. */
export interface Place {
  readonly generation: number
  readonly partition: number
  readonly offset: number
}

export interface Notes {
  readonly empty: boolean
  /** True when some note names an entity, so that rows have to be hashed. */
  readonly namesEntities: boolean
  /** `hash`: of the erased entity; null when everything is ended. */
  add(place: Place, hash: string | null): void
  /**
   * True when a note behind `row`, and before `until` if there is one, ends it. `hashes` gives the hashes of the row's
   * entity and target; it is called only when notes name entities.
   */
  ends(row: Place, until: Place | null, hashes: () => readonly string[]): boolean
  /** True when no note stands behind `row`. */
  allBefore(row: Place): boolean
}

export function createNotes(): Notes {
  const whole: Place[] = []
  const entities = new Map<string, Place[]>()
  const all: Place[] = []
  return {
    get empty() {
      return all.length === 0
    },
    get namesEntities() {
      return entities.size > 0
    },
    add: (place, hash) => {
      all.push(place)
      if (hash === null) {
        whole.push(place)
        return
      }
      const notes = entities.get(hash)
      if (notes === undefined) entities.set(hash, [place])
      else notes.push(place)
    },
    ends: (row, until, hashes) => {
      const between = (note: Place): boolean =>
        isBefore(row, note) && (until === null || isBefore(note, until))
      if (whole.some(between)) return true
      if (entities.size === 0) return false
      return hashes().some((hash) => entities.get(hash)?.some(between) === true)
    },
    allBefore: (row) => !all.some((note) => isBefore(row, note)),
  }
}

/** Places of two partitions of one generation have no order: such notes are of other entities, or stand there too. */
function isBefore(a: Place, b: Place): boolean {
  if (a.generation !== b.generation) return a.generation < b.generation
  return a.partition === b.partition && a.offset < b.offset
}
