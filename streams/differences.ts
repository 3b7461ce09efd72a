// What two versions of a view differ in: counted by kind, with the first few of each kind as examples.
import type { JsonObject } from '#schemas/json'

/**
 * missing: the rebuilt version has it, the live one does not. extra: the other way round. other: both have it, with other
 * content. id: it is there, but not found under its id. count: the number of live events that is kept.
 */
export const DIFFERENCE_KINDS = [
  'event-missing',
  'event-extra',
  'event-other',
  'event-id',
  'event-count',
  'state-missing',
  'state-extra',
  'state-other',
  'history-missing',
  'history-extra',
  'history-other',
  'target-missing',
  'target-extra',
  'index-missing',
  'index-extra',
  'index-other',
] as const
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number]

export interface Differences {
  readonly total: number
  /** Only kinds that occur. */
  readonly kinds: readonly {
    readonly kind: DifferenceKind
    readonly count: number
    readonly examples: readonly JsonObject[]
  }[]
  /** Apps of which something differs. */
  readonly apps: readonly number[]
}

export interface DifferenceCollector {
  add(kind: DifferenceKind, app: number, describe: () => JsonObject): void
  result(): Differences
}

export function createDifferences(examplesMax = 5): DifferenceCollector {
  const kinds = new Map<DifferenceKind, { count: number; examples: JsonObject[] }>()
  const apps = new Set<number>()
  return {
    add: (kind, app, describe) => {
      apps.add(app)
      const found = kinds.get(kind) ?? { count: 0, examples: [] }
      kinds.set(kind, found)
      found.count++
      if (found.examples.length < examplesMax) found.examples.push({ app, ...describe() })
    },
    result: () => ({
      total: [...kinds.values()].reduce((sum, { count }) => sum + count, 0),
      kinds: DIFFERENCE_KINDS.flatMap((kind) => {
        const found = kinds.get(kind)
        return found === undefined ? [] : { kind, count: found.count, examples: found.examples }
      }),
      apps: [...apps].sort((a, b) => a - b),
    }),
  }
}
