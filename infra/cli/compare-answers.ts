// Two answers to one query: the same, the same but for the order among equal scores, or different.

export interface ScoredItem {
  readonly item: string
  readonly score: number
}

export const VERDICTS = ['same', 'ties', 'different'] as const
/** `ties`: the same scores in the same order, with other items of equal score in some places. */
export type Verdict = (typeof VERDICTS)[number]

export interface Comparison {
  readonly verdict: Verdict
  /** Items that both have. */
  readonly shared: number
}

/** Scores this close are equal, of themselves or of 1 if they are smaller. */
const TOLERANCE = 1e-5

function equal(a: number, b: number): boolean {
  return Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a))
}

export function compareAnswers(
  expected: readonly ScoredItem[],
  answered: readonly ScoredItem[],
): Comparison {
  const items = new Set(answered.map(({ item }) => item))
  const shared = expected.filter(({ item }) => items.has(item)).length
  return { verdict: verdictOf(expected, answered), shared }
}

function verdictOf(expected: readonly ScoredItem[], answered: readonly ScoredItem[]): Verdict {
  if (expected.length !== answered.length) return 'different'
  const scores = expected.every(({ score }, i) => equal(score, answered[i]?.score ?? Number.NaN))
  if (!scores) return 'different'
  if (expected.every(({ item }, i) => item === answered[i]?.item)) return 'same'
  return tiesAlone(expected, answered) ? 'ties' : 'different'
}

/** Each run of equal scores holds the same items; the last one was cut by the page and may hold others. */
function tiesAlone(expected: readonly ScoredItem[], answered: readonly ScoredItem[]): boolean {
  let start = 0
  while (start < expected.length) {
    const score = expected[start]?.score ?? 0
    let end = start + 1
    while (end < expected.length && equal(score, expected[end]?.score ?? 0)) end++
    if (end === expected.length) return true
    const run = new Set(expected.slice(start, end).map(({ item }) => item))
    if (!answered.slice(start, end).every(({ item }) => run.has(item))) return false
    start = end
  }
  return true
}
