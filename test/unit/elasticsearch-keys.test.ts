// Ids, terms and names as Elasticsearch takes them.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  documentId,
  evidenceTerm,
  fieldName,
  fromKey,
  LENGTH_BITS,
  lengthTerm,
  lengthTerms,
  parseEvidenceTerm,
  priorTerm,
  seenId,
  toKey,
  valueTerm,
} from '../../infra/elasticsearch/keys.ts'

/** Any UTF-16, lone surrogates too. */
const anyText = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd7f0, max: 0xe010 })))
  .map((units) => String.fromCharCode(...units))

const bytes = (text: string): Buffer => Buffer.from(text)

describe('keys', () => {
  test('a key is valid text, and its text comes back', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const key = toKey(text)
        assert.ok(key.isWellFormed())
        assert.equal(fromKey(key), text)
      }),
    )
  })

  test('keys are ordered by UTF-8 byte as their texts are by UTF-16 unit', () => {
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        const byUnit = a === b ? 0 : a < b ? -1 : 1
        assert.equal(Buffer.compare(bytes(toKey(a)), bytes(toKey(b))), byUnit)
      }),
    )
  })

  test('the keys of most texts are the texts', () => {
    for (const text of ['Iphone 6', 'é', '日本', '#1']) assert.equal(toKey(text), text)
  })

  test('an id of 511 bytes is itself, a longer one a hash; no text is taken for a hash', () => {
    assert.equal(documentId('x'.repeat(511)), 'x'.repeat(511))
    assert.match(documentId('x'.repeat(512)), /^#[0-9a-f]{64}$/)
    assert.match(documentId('é'.repeat(256)), /^#[0-9a-f]{64}$/)
    assert.equal(documentId('é'.repeat(255)), 'é'.repeat(255))
    assert.match(documentId('#1'), /^#[0-9a-f]{64}$/)
    assert.ok(Buffer.byteLength(seenId('buy', 'x'.repeat(1024))) <= 512)
  })

  test('terms of evidence tell indicator and id, and a prior is none', () => {
    fc.assert(
      fc.property(fc.nat(31), anyText, (indicator, id) => {
        assert.deepEqual(parseEvidenceTerm(evidenceTerm(indicator, id)), { indicator, id })
      }),
    )
    assert.equal(parseEvidenceTerm(priorTerm('popRank')), null)
    assert.equal(parseEvidenceTerm(priorTerm('1=2')), null)
  })

  test('a value under one property is never taken for one under another', () => {
    assert.notEqual(valueTerm('a', '1:b=c'), valueTerm('a=1:b', 'c'))
    assert.notEqual(valueTerm('a=b', 'c'), valueTerm('a', 'b=c'))
    assert.match(valueTerm('text', 'long '.repeat(200)), /^#/)
  })

  test('lengths add up from their bits', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 2 ** LENGTH_BITS - 1 })), (lengths) => {
        const terms = lengths.flatMap((length) => lengthTerms('i0', length))
        let sum = 0
        for (let bit = 0; bit < LENGTH_BITS; bit++) {
          sum += 2 ** bit * terms.filter((term) => term === lengthTerm('i0', bit)).length
        }
        assert.equal(
          sum,
          lengths.reduce((all, length) => all + length, 0),
        )
      }),
    )
  })

  test('names that would mean something in a path are hashed', () => {
    assert.equal(fieldName('popRank'), 'popRank')
    for (const name of ['a.b', '', ' ', '_id', 'x'.repeat(65), 'é', '1']) {
      assert.match(fieldName(name), /^#[0-9a-f]{32}$/)
    }
  })
})
