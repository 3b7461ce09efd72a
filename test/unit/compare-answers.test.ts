import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareAnswers, type ScoredItem, type Verdict } from '../../infra/cli/compare-answers.ts'

/** `a2 b1`: a with score 2, b with score 1. */
function answer(text: string): ScoredItem[] {
  return text.split(' ').flatMap((part) => {
    const match = /^([a-z])(.+)$/.exec(part)
    return match === null ? [] : [{ item: match[1] as string, score: Number(match[2]) }]
  })
}

const CASES: readonly (readonly [string, string, Verdict, shared: number])[] = [
  ['', '', 'same', 0],
  ['a2 b1', 'a2 b1', 'same', 2],
  ['a0.18232156', 'a0.1823216', 'same', 1],
  ['a100000', 'a100000.5', 'same', 1],
  ['a2 b1', 'a2.001 b1', 'different', 2],
  ['a2 b1', 'b2 a1', 'different', 2],
  ['a2 b1', 'a2', 'different', 1],
  ['a2', 'a2 b1', 'different', 1],
  ['a2 b1 c1 d0', 'a2 c1 b1 d0', 'ties', 4],
  // The page cut the last run: which of its items are shown is open.
  ['a2 b0 c0', 'a2 c0 d0', 'ties', 2],
  ['a2 b1 c0', 'a2 d1 c0', 'different', 2],
  ['a2', '', 'different', 0],
  ['aNaN', 'aNaN', 'different', 1],
]

for (const [expected, answered, verdict, shared] of CASES) {
  test(`"${expected}" and "${answered}": ${verdict}`, () => {
    assert.deepEqual(compareAnswers(answer(expected), answer(answered)), { verdict, shared })
  })
}
