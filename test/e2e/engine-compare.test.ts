// `millrace engine compare`: what it counts, when it fails, and what it says of files that are none.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { action, eventUrls, send } from '../support/http-client.ts'
import { millrace, millraceJson, startMillrace } from '../support/millrace-process.ts'
import { shopEngine } from '../support/shop-engine.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const ENGINE = shopEngine(['buy'], { num: 3 })

interface Report {
  readonly queries: number
  readonly same: number
  readonly ties: number
  readonly different: number
  readonly expectedItems: number
  readonly sharedItems: number
  readonly differences: readonly { readonly line: number; readonly answered: string }[]
}

test('answers of another server, compared with those of an engine', async (t) => {
  const folder = await temporaryFolder(t)
  const data = join(folder, 'data')
  const file = async (name: string, lines: readonly (object | string)[]): Promise<string> => {
    const texts = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)))
    await writeFile(join(folder, name), texts.join('\n'))
    return join(folder, name)
  }
  const compare = (id: string, answers: string, ...more: readonly string[]): string[] => [
    ...['engine', 'compare', id, '--answers', answers, '--data', data, ...more],
  ]
  const { accessKey } = await millraceJson<{ accessKey: string }>([
    ...['app', 'new', 'shop', '--data', data],
  ])
  const none = await millrace(compare('shop', await file('none.jsonl', [])))
  assert.equal(none.code, 1)
  assert.match(none.stderr, /NOT_RUNNING/)

  const server = await startMillrace(data, t)
  const buys = [0, 1, 2, 3, 4, 5].flatMap((user) =>
    ['a', 'b', 'c'].slice(0, 1 + (user % 3)).map((item) => action('buy', `u${user}`, item)),
  )
  for (const event of buys) await send('POST', eventUrls(server.event, accessKey).events, event)
  const variant = await file('engine.json', [ENGINE])
  await millraceJson(['train', '--variant', variant, '--data', data])

  const ask = async (query: object) =>
    (await send('POST', `${server.query}/queries.json`, query)).json as {
      itemScores: { item: string; score: number }[]
    }
  const query = { user: 'u0' }
  const expected = await ask(query)
  assert.ok(expected.itemScores.length === 2)
  const scores = expected.itemScores.map(({ item, score }) => ({ item, score: score + 1 }))
  const answers = await file('answers.jsonl', [
    { query, expected },
    '',
    { query, expected: { result: expected.itemScores } },
    '{"query":{"user":"u0" "num":3},"expected":{"itemScores":[]}}',
    { query, expected: { itemScores: scores } },
    { query: { num: -1 }, expected },
  ])
  const report = await millraceJson<Report>(compare('shop', answers))
  const { differences, ...counts } = report
  assert.deepEqual(counts, {
    ...{ queries: 5, same: 2, ties: 0, different: 3, expectedItems: 8, sharedItems: 6 },
  })
  assert.deepEqual(
    differences.map(({ line }) => line),
    [4, 5, 6],
  )
  assert.match(differences[2]?.answered ?? '', /QUERY_INVALID/, 'a refusal is shown')

  const exact = await millrace(compare('shop', answers, '--exact'))
  assert.equal(exact.code, 1)
  assert.match(exact.stdout, /5 queries: 2 answers are the same, 0 but for .*, 3 differ\./)
  assert.match(exact.stdout, /6 of 8 items are in both answers\./)
  assert.match(exact.stderr, /line 5: \{"user":"u0"\}\n {2}expected /)
  assert.match(exact.stderr, /3 of 5 answers differ.*ANSWERS_DIFFER/s)

  const bad: readonly (readonly [string, string, RegExp])[] = [
    ['shop', join(folder, 'missing'), /FILE_NOT_FOUND/],
    [
      'shop',
      await file('half.jsonl', [{ query, expected }, '{"query"']),
      /line 2: .*FILE_UNREADABLE/s,
    ],
    [
      'shop',
      await file('no-answer.jsonl', [{ query }]),
      /"expected" is no answer.*FILE_UNREADABLE/s,
    ],
    ['shop', await file('no-query.jsonl', [{ query: 'u0', expected }]), /"query" is no query/],
  ]
  for (const [id, answersFile, said] of bad) {
    const { code, stderr } = await millrace(compare(id, answersFile))
    assert.equal(code, 1, answersFile)
    assert.match(stderr, said)
    assert.doesNotMatch(stderr, /\n\s+at /, 'a stack trace')
  }
  const unknown = await millraceJson<Report>(compare('nothing', answers))
  assert.deepEqual([unknown.same, unknown.different], [0, 5])
  assert.match(unknown.differences[0]?.answered ?? '', /ENGINE_NOT_FOUND/)
})
