// With the item index away, events are accepted, read and deleted as always; when it is back it catches up with everything.
// `npm run index-away` does the same for five minutes.
import { test } from 'node:test'
import { checkIndexAway, indexAway, refusingPlatform } from '../support/index-away.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

test('ingest, GET and DELETE are unharmed while the index is away, and it catches up', async (t) => {
  const folder = await temporaryFolder(t)
  const report = await indexAway({
    folder,
    platform: refusingPlatform(folder),
    awayMs: 4000,
    ends: t,
  })
  checkIndexAway(report, t)
})
