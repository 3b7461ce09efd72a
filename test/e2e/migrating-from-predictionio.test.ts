// The guide for users of PredictionIO, on files as `pio export` writes them.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { readContract } from '../compat/contract-case.ts'
import { DELIBERATE_DIFFERENCES } from '../compat/deliberate-differences.ts'
import { runGuide } from '../support/guide.ts'
import { action } from '../support/http-client.ts'
import { readText } from '../support/source-tree.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const PAGE = 'docs/guides/migrating-from-predictionio.md'

/** Lines of an export: every event with its id, its times and its properties. */
function exported(name: string, events: number): string {
  const lines = Array.from({ length: events }, (_, n) =>
    JSON.stringify({
      eventId: `${name}${n}`.padStart(32, '0'),
      ...action('purchase', `u${n % 6}`, `i${(n % 6) % 2}${n % 5}`),
      properties: {},
      eventTime: '2024-05-01T10:00:00.000Z',
      creationTime: '2024-05-01T10:00:01.000Z',
    }),
  )
  return `${lines.join('\n')}\n`
}

const ENGINE = {
  id: 'default',
  engineFactory: 'com.actionml.RecommendationEngine',
  datasource: { params: { appName: 'shop', eventNames: ['purchase'] } },
  algorithms: [
    {
      name: 'ur',
      params: {
        appName: 'shop',
        indexName: 'urindex',
        typeName: 'items',
        eventNames: ['purchase'],
      },
    },
  ],
}

test('the guide for users of PredictionIO works as it stands', async (t) => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'events.jsonl'), exported('a', 24))
  await writeFile(join(folder, 'events-mobile.jsonl'), exported('b', 3))
  await writeFile(join(folder, 'engine.json'), JSON.stringify(ENGINE))
  const output = await runGuide({ page: PAGE, folder })
  assert.match(output, /"eventId":"0+a0","event":"purchase"/)
  assert.equal(output.match(/"eventId":"0+b\d"/g)?.length, 3, 'the channel has its own events')
  assert.match(output, /Training completed successfully\./)
  assert.match(output, /"itemScores":\[\{"item":"i1/)
})

test('the guide counts the recorded replies as the replay does', () => {
  const recorded = readContract().length
  const different = DELIBERATE_DIFFERENCES.flatMap(({ cases }) => cases).length
  const text = readText(PAGE)
  assert.match(
    text,
    new RegExp(`^${recorded} requests .*; ${recorded - different} replies are alike`, 'm'),
  )
})
