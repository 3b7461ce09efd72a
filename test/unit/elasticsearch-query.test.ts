// The requests that scored queries become.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { roundWeight } from '#schemas/numerics'
import type { ScoredQuery } from '#schemas/query'
import { type Clause, filtersOf } from '../../infra/elasticsearch/filter.ts'
import { valueTerm } from '../../infra/elasticsearch/keys.ts'
import { PARTS_MAX, shortParts, weightedQuery } from '../../infra/elasticsearch/weighted-query.ts'
import { clause, scoredQuery } from '../support/item-index-fixture.ts'

const META = { indicators: ['buy', 'view'], rankings: ['popRank'] }
const NO_FILTERS = { filter: [], must_not: [] }
const weighted = (parts: Partial<ScoredQuery>) =>
  weightedQuery(scoredQuery(parts), META, NO_FILTERS)

/** The clauses that score, of a query without positive rules. */
const should = (parts: Partial<ScoredQuery>): Clause[] =>
  (weighted(parts).query as { bool: { should: Clause[] } }).bool.should

const sparse = (vector: Record<string, number>): Clause => ({
  sparse_vector: { field: 'evidence', query_vector: vector },
})

describe('the evidence of a weighted query', () => {
  test('is one sparse vector query, with the prior in it', () => {
    const evidence = [clause('buy', ['a', 'b']), clause('view', ['c'], { boost: 0.5 })]
    assert.deepEqual(should({ evidence }), [
      sparse({ '0=a': 1, '0=b': 1, '1=c': 0.5, 'prior=popRank': 1 }),
    ])
  })

  test('adds the boosts of clauses that name the same id', () => {
    const evidence = [clause('buy', ['a']), clause('buy', ['a'], { boost: 2, source: 'itemSet' })]
    assert.deepEqual(should({ evidence, rankings: [] }), [sparse({ '0=a': 3 })])
  })

  test('leaves out what filters, and indicators that the model does not have', () => {
    const evidence = [clause('buy', ['a'], { must: true }), clause('other', ['a'])]
    assert.deepEqual(should({ evidence, rankings: ['stars', 'popRank'] }), [])
  })

  test('is split into terms of exact products when a boost has too many bits', () => {
    const clauses = should({ evidence: [clause('buy', ['a'], { boost: 1.1 })] })
    assert.equal(clauses.length, 5)
    assert.deepEqual(clauses.at(-1), sparse({ 'prior=popRank': 1 }))
  })

  test('parts of a boost make exact products, and add up to it', () => {
    const positive = fc.double({ min: 1e-6, max: 1e6, noNaN: true })
    fc.assert(
      fc.property(positive, fc.float({ min: 2 ** -20, max: 2 ** 20, noNaN: true }), (boost, w) => {
        const parts = shortParts(boost)
        const weight = roundWeight(w)
        assert.ok(parts.length <= PARTS_MAX)
        assert.equal(
          parts.reduce((sum, part) => sum + part, 0),
          boost,
        )
        for (const part of parts) {
          assert.equal(Math.fround(part), part)
          assert.equal(Math.fround(part * weight), part * weight)
        }
      }),
    )
  })

  test('positive rules are functions; a bias that a float32 does not hold is not exact', () => {
    const rule = (bias: number) => ({ field: 'color', values: ['red'], bias })
    assert.equal(weighted({ rules: [rule(20), rule(-1), rule(0)] }).isExact, true)
    assert.equal(weighted({ rules: [rule(1.1)] }).isExact, false)
    assert.equal(weighted({}).isExact, true)
  })
})

describe('the page of documents that score', () => {
  const bool = (parts: Partial<ScoredQuery>): Record<string, unknown> | undefined => {
    const query = scoredQuery(parts)
    const { scoredOnly } = weightedQuery(query, META, filtersOf(query, META.indicators))
    return (scoredOnly as { bool: Record<string, unknown> } | null)?.bool
  }

  test('must match, and those that are not live are left out instead of the others let in', () => {
    const dates = [{ field: 'date', after: 1, before: null, includeBefore: false }]
    const { must, filter, must_not } = bool({ evidence: [clause('buy', ['a'])], dates }) ?? {}
    assert.deepEqual(must, sparse({ '0=a': 1, 'prior=popRank': 1 }))
    assert.deepEqual(filter, [{ range: { 'date.date': { gt: 1 } } }])
    assert.deepEqual(must_not, [{ term: { live: false } }])
  })

  test('matches any of several terms', () => {
    const { must } = bool({ evidence: [clause('buy', ['a'], { boost: 1.1 })] }) ?? {}
    assert.equal((must as { bool: { should: Clause[] } }).bool.should.length, 5)
  })

  test('is not asked for when nothing can score', () => {
    assert.equal(bool({ rankings: [] }), undefined)
  })
})

describe('what keeps documents out', () => {
  const filters = (parts: Partial<ScoredQuery>) => filtersOf(scoredQuery(parts), META.indicators)

  test('only live documents count', () => {
    assert.deepEqual(filters({}), { filter: [{ term: { live: true } }], must_not: [] })
  })

  test('values beyond what one query takes are asked for in several, and none match none', () => {
    const values = Array.from({ length: 65_537 }, (_, i) => String(i))
    const { filter } = filters({ rules: [{ field: 'size', values, bias: -1 }] })
    const several = filter[1] as { bool: { should: { terms: { text: string[] } }[] } }
    assert.deepEqual(
      several.bool.should.map(({ terms }) => terms.text.length),
      [65_536, 1],
    )
    assert.equal(several.bool.should[1]?.terms.text[0], valueTerm('size', '65536'))
    const none = filters({ rules: [{ field: 'size', values: [], bias: -1 }] })
    assert.deepEqual(none.filter[1], { match_none: {} })
  })

  test('dates without bounds have to be there', () => {
    const date = { field: 'a.b', after: null, before: null, includeBefore: false }
    const { filter } = filters({ dates: [date, { ...date, field: 'at', after: 1, before: 2 }] })
    assert.match(JSON.stringify(filter[1]), /^\{"exists":\{"field":"date\.#[0-9a-f]+"\}\}$/)
    assert.deepEqual(filter[2], { range: { 'date.at': { gt: 1, lt: 2 } } })
  })

  test('a must clause of an unknown indicator, or without ids, lets nothing through', () => {
    const must = (indicator: string, ids: string[]) => clause(indicator, ids, { must: true })
    const { filter } = filters({ evidence: [must('other', ['a']), must('buy', [])] })
    assert.deepEqual(filter.slice(1), [{ match_none: {} }, { match_none: {} }])
  })
})
