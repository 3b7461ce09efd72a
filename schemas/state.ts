// The state of an entity: what `$set`, `$unset` and `$delete` left of its properties. See `entity-state.ts` for the fold.

/** When and where a value was written; the higher stamp wins whatever the order of arrival. */
export interface Stamp {
  readonly eventTime: number
  readonly generation: number
  readonly offset: number
}

export interface PropertyCell {
  readonly stamp: Stamp
  /** JSON text of the value, or null when it was removed by `$unset`. */
  readonly value: string | null
}

/** Everything the fold keeps; `null` stamps where no such event was seen. */
export interface EntityState {
  readonly properties: ReadonlyMap<string, PropertyCell>
  readonly set: Stamp | null
  readonly deleted: Stamp | null
  /** Smallest and largest eventTime over all three kinds, for PredictionIO's firstUpdated and lastUpdated. */
  readonly firstUpdated: number
  readonly lastUpdated: number
}

/** What the item index is told about one item of an app: its whole state, never a delta. */
export interface ItemState {
  readonly item: string
  /** Offset (of its partition) up to which this state is folded: a lower one never replaces a higher. */
  readonly offset: number
  /** The item entity exists (newest `$set` newer than newest `$delete`). */
  readonly exists: boolean
  /** There is a `$delete` newer than every `$set`: not recommended until its next `$set`. */
  readonly deleted: boolean
  /** Visible properties, parsed. Empty unless `exists`. */
  readonly properties: Readonly<Record<string, import('./json.ts').Json>>
}
