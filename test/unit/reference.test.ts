import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ERRORS, MillraceError } from '#ports/errors'
import { METRICS } from '#ports/telemetry'
import { EVENT_RULES } from '#schemas/event-rule-texts'
import { REFERENCE_PAGES, WRITE_COMMAND } from '../support/reference-pages.ts'
import { readText } from '../support/source-tree.ts'

/** Names in the first column of a page's tables. */
function listed(path: string): string[] {
  return [...readText(path).matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1] as string)
}

describe('reference', () => {
  const declared = {
    'docs/reference/errors.md': [...Object.keys(ERRORS), ...EVENT_RULES.map((rule) => rule.code)],
    'docs/reference/metrics.md': Object.keys(METRICS),
  }
  for (const [path, names] of Object.entries(declared)) {
    it(`lists in ${path} all that the code declares, and nothing else`, () => {
      const found = listed(path)
      const missing = names.filter((name) => !found.includes(name))
      const unknown = found.filter((name) => !(names as string[]).includes(name))
      assert.deepEqual({ missing, unknown }, { missing: [], unknown: [] }, `run ${WRITE_COMMAND}`)
    })
  }

  for (const { path, text } of REFERENCE_PAGES) {
    it(`says in ${path} what the code says`, () => {
      assert.equal(readText(path), text, `the page is out of date: run ${WRITE_COMMAND}`)
    })
  }
})

describe('error catalogue', () => {
  for (const [code, { status, message, hint, retryable }] of Object.entries(ERRORS)) {
    it(`${code} has a status, a sentence and a hint`, () => {
      assert.match(code, /^[A-Z]+(?:_[A-Z]+)*$/)
      assert.ok(status >= 400 && status <= 599)
      assert.ok(message.length > 0 && hint.length > 0)
      assert.ok(status !== 503 || retryable, 'a 503 says that trying again can help')
    })
  }

  it('fills in details and leaves what it was not given', () => {
    const error = new MillraceError('ENGINE_NOT_FOUND', { engine: 'shop' })
    assert.equal(error.message, 'There is no engine shop.')
    assert.equal(error.status, 404)
    assert.match(new MillraceError('ENGINE_NOT_FOUND').message, /\{engine\}/)
  })

  it('fills in a detail that looks like a template as it stands', () => {
    const error = new MillraceError('NOT_FOUND', { what: '{what} $& $1' })
    assert.equal(error.message, '{what} $& $1 was not found.')
  })

  it('gives the rules codes of their own', () => {
    const codes = EVENT_RULES.map(({ code }) => code)
    assert.equal(new Set(codes).size, codes.length)
    const shared = codes.filter((code) => code in ERRORS)
    assert.deepEqual(shared, ['ID_TOO_LONG'], 'the one rule that other routes have too')
  })
})
