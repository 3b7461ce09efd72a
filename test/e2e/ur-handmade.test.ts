// The Universal Recommender's own integration test as its users run it: import, train, query over HTTP, with the bodies as
// they were, three of which are no JSON. Three engines of one app, each with another scoring of old.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { JsonObject } from '#schemas/json'
import type { QueryResult } from '#schemas/query'
import { send } from '../support/http-client.ts'
import { millraceJson, startMillrace } from '../support/millrace-process.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import {
  faultOf,
  type HandmadeCase,
  handmadeEngine,
  handmadeLines,
  IMPORTED,
  TARGETS,
} from '../support/ur-handmade-cases.ts'

test('28 of 28, scores to the bit, with global statistics, five shards and BM25', async (t) => {
  const folder = await temporaryFolder(t)
  const data = join(folder, 'data')
  const input = join(folder, 'events.jsonl')
  // The answers hold for some hours from the import on.
  const shift = Date.now() - IMPORTED
  const events = handmadeLines<JsonObject>('events.jsonl', shift)
  await writeFile(input, events.map((event) => `${JSON.stringify(event)}\n`).join(''))
  await millraceJson(['app', 'new', 'handmade', '--data', data])
  await millraceJson(['import', '--app', 'handmade', '--input', input, '--data', data])
  const server = await startMillrace(data, t)
  for (const { scoring } of TARGETS) {
    const variant = join(folder, `${scoring}.json`)
    await writeFile(variant, JSON.stringify(handmadeEngine(scoring, `ur-${scoring}`)))
    await millraceJson(['train', '--variant', variant, '--data', data])
  }
  for (const { scoring, file, title } of TARGETS) {
    const cases = handmadeLines<HandmadeCase>(file, shift)
    assert.equal(cases.length, 28)
    const faults: (string | null)[] = []
    for (const one of cases) {
      const url = `${server.query}/engines/ur-${scoring}/queries.json`
      const { status, json, text } = await send('POST', url, one.raw ?? one.query)
      assert.equal(status, 200, text)
      faults.push(faultOf(one, (json as QueryResult).itemScores))
    }
    assert.deepEqual(
      faults.filter((fault) => fault !== null),
      [],
      title,
    )
  }
  // The first engine of the installation answers where none is named.
  const plain = await send('POST', `${server.query}/queries.json`, {})
  const named = await send('POST', `${server.query}/engines/ur-global/queries.json`, {})
  assert.equal(plain.text, named.text)
})
