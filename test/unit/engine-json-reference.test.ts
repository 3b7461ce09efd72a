// docs/reference/engine-json.md has every parameter that is read, and no other.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { EngineJsonError } from '#schemas/engines/engine-json-error'
import { parseEngineJson } from '#schemas/engines/parse'
import { ALGORITHM, DATASOURCE } from '#schemas/engines/universal-parse'
import type { JsonObject } from '#schemas/json'

const page = readFileSync(new URL('../../docs/reference/engine-json.md', import.meta.url), 'utf8')

/** Names in the first column of the table under a heading, or with this head. */
function documented(from: string): string[] {
  const lines = page.slice(page.indexOf(from)).split('\n')
  const start = lines.findIndex((line) => line.startsWith('| ---'))
  const end = lines.findIndex((line, i) => i > start && !line.startsWith('|'))
  return lines
    .slice(start + 1, end)
    .flatMap((line) =>
      [...(line.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map((m) => String(m[1])),
    )
    .sort()
}

test('the parameters of the data source and of the algorithm', () => {
  assert.deepEqual(documented('## datasource.params'), [...DATASOURCE].sort())
  assert.deepEqual(documented('## algorithms[0].params'), [...ALGORITHM].sort())
})

test('those of an indicator, of a ranking and at the top are read; others are not', () => {
  const refuses = (name: string, place: (name: string) => JsonObject): boolean => {
    try {
      parseEngineJson(place(name), 'engine.json')
    } catch (error) {
      assert.ok(error instanceof EngineJsonError)
      return error.details.reason.startsWith('there is no parameter')
    }
    return false
  }
  const file = (params: JsonObject, top: JsonObject = {}): JsonObject => ({
    engineFactory: 'universal',
    datasource: { params: { appName: 'shop' } },
    algorithms: [{ name: 'ur', params: { eventNames: ['buy'], ...params } }],
    ...top,
  })
  const places: readonly [heading: string, (name: string) => JsonObject][] = [
    ['## At the top', (name) => file({}, { [name]: {} })],
    ['| Of an indicator', (name) => file({ indicators: [{ [name]: {} }] })],
    ['| Of a ranking', (name) => file({ rankings: [{ [name]: {} }] })],
  ]
  for (const [heading, place] of places) {
    const names = documented(heading)
    assert.ok(names.length > 4, heading)
    assert.deepEqual(
      names.filter((name) => refuses(name, place)),
      [],
    )
    assert.ok(refuses('other', place))
  }
})
