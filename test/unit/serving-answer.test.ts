import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { floatText, writeAnswer } from '../../serving/engines/universal/answer.ts'

const hit = (item: string, score: number) => ({
  item,
  score,
  ranks: { popRank: 3 },
  matches: null,
  rulesMatched: null,
})

test('scores are printed with few digits, integers as doubles', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0.0'],
    [2, '2.0'],
    [0.1, '0.1'],
    [0.18232156, '0.18232156'],
    [14.045265, '14.045265'],
    [1e-9, '1e-9'],
    [1e21, '1e+21'],
    [Number.POSITIVE_INFINITY, '3.4028235e+38'],
  ]
  for (const [score, text] of cases) {
    assert.equal(floatText(Math.fround(score)), text)
  }
})

test('and give the same float32 when read', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true, min: 0 }), (score) => {
      assert.equal(Math.fround(Number(JSON.parse(floatText(score)))), score + 0)
    }),
  )
})

test('an answer is JSON, whatever the ids', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (items) => {
      const hits = items.map((item) => hit(item, 1))
      const text = writeAnswer({ hits, explanations: null, degraded: [] }, false)
      assert.deepEqual(JSON.parse(text), { itemScores: items.map((item) => ({ item, score: 1 })) })
    }),
  )
})

test('ranks and explanations only where they were asked for', () => {
  const explanation = { reason: 'backfill' as const, evidence: [], rules: [] }
  const answer = { hits: [hit('a', 1)], explanations: [explanation], degraded: [] }
  assert.deepEqual(JSON.parse(writeAnswer(answer, true)), {
    itemScores: [{ item: 'a', score: 1, ranks: { popRank: 3 }, explanation }],
  })
  const plain = writeAnswer({ ...answer, explanations: null }, false)
  assert.equal(plain, '{"itemScores":[{"item":"a","score":1.0}]}')
})
