// `npm run index-away -- --seconds N [--cluster]`: the platform under load while its item index is away, five minutes by default. With
// `--cluster` every port is a real server of a cluster of its own, whose Elasticsearch is killed and started again.
import { parseArgs } from 'node:util'
import { killedElasticsearch } from '../support/elasticsearch-away.ts'
import { checkIndexAway, indexAway, refusingPlatform } from '../support/index-away.ts'
import { withBenchFolder } from './bench-folder.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '300' }, cluster: { type: 'boolean' } },
})

await withBenchFolder(async (folder, ends) => {
  const platform = values.cluster ? await killedElasticsearch(ends) : refusingPlatform(folder)
  const awayMs = Number(values.seconds) * 1000
  const report = await indexAway({ folder, platform, awayMs, calmMs: 4000, ends })
  checkIndexAway(report, { diagnostic: (line) => process.stdout.write(`${line}\n`) })
})
