// The migration guide on the Universal Recommender's own integration test: its engine.json and its events untouched, and its
// 28 queries, three of them no JSON, to a server that answers what the old stack was recorded to answer.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseJson } from '#schemas/lenient-json'
import { runGuide } from '../support/guide.ts'
import { ROOT } from '../support/source-tree.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const FIXTURE = join(ROOT, 'test/fixtures/ur-handmade')

interface Case {
  readonly query: object
  readonly raw?: string
  readonly expected: object
}

/** The recorded test's dates are relative to this instant, and its answers hold for some hours after it. */
const RECORDED = Date.parse('2025-01-01T00:00:00.000Z')

/** The text with its dates as if the test had been prepared now. */
function asOfNow(text: string): string {
  const shift = Date.now() - RECORDED
  return text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, (date) =>
    new Date(Date.parse(date) + shift).toISOString(),
  )
}

const sameQuery = (body: string): string => {
  const reading = parseJson(body)
  assert.ok(reading.ok, body)
  return JSON.stringify(reading.value)
}

/** The old server; its address. */
async function startOldServer(t: TestContext, cases: readonly Case[]): Promise<string> {
  const answers = new Map(cases.map(({ query, expected }) => [JSON.stringify(query), expected]))
  const server = createServer(async (request, reply) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const answer = answers.get(sameQuery(body))
    reply.writeHead(answer === undefined ? 400 : 200, { 'content-type': 'application/json' })
    reply.end(JSON.stringify(answer ?? {}))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('the guide for users of the Universal Recommender works on an old engine.json', async (t) => {
  const folder = await temporaryFolder(t)
  await copyFile(join(FIXTURE, 'engine.json'), join(folder, 'engine.json'))
  const events = asOfNow(await readFile(join(FIXTURE, 'events.jsonl'), 'utf8'))
  await writeFile(join(folder, 'events.jsonl'), events)
  const recorded = asOfNow(await readFile(join(FIXTURE, 'queries.jsonl'), 'utf8'))
  const cases = recorded
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Case)
  assert.equal(cases.length, 28)
  const bodies = cases.map(({ query, raw }) => raw?.replaceAll('\n', ' ') ?? JSON.stringify(query))
  await writeFile(join(folder, 'queries.jsonl'), `${bodies.join('\n')}\n`)

  const output = await runGuide({
    page: 'docs/guides/migrating-from-universal-recommender.md',
    folder,
    replaced: { 'http://pio.example:8000': await startOldServer(t, cases) },
  })
  const reports = [
    ...output.matchAll(/(\d+) queries: (\d+) answers .*, (\d+) but .*, (\d+) differ/g),
  ]
  const [old, today] = reports.map(([, ...counts]) => counts.map(Number))
  assert.equal(reports.length, 2, output)
  const [queries, same, ties, different] = old as [number, number, number, number]
  assert.deepEqual([queries, same + ties, different], [28, 28, 0], output)
  assert.equal(today?.[0], 28)
  assert.ok((today?.[3] ?? 0) > 0, 'weighted scores are others')
  assert.match(output, /"source":"user"/)
  assert.match(output, /Engine handmade-universal answers \/queries\.json\./)
})
