// Elasticsearch stopped under load, with every other port over its real server too: events are accepted, read and deleted as
// always, queries say what they lack, and what was missed is made good. `npm run index-away -- --cluster` kills it, for five minutes.
import { test } from 'node:test'
import { stoppedElasticsearch } from '../support/elasticsearch-away.ts'
import { checkIndexAway, indexAway } from '../support/index-away.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const AWAY_MS = 30_000

test('elasticsearch stopped for 30 s under load: lost 0, twice 0, queries degrade and say so', async (t) => {
  const platform = await stoppedElasticsearch(t)
  const folder = await temporaryFolder(t)
  const report = await indexAway({ folder, platform, awayMs: AWAY_MS, calmMs: 4000, ends: t })
  checkIndexAway(report, t)
})
