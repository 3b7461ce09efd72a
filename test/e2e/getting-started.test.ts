import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runGuide } from '../support/guide.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

test('the guide for newcomers works as it stands', async (t) => {
  const folder = await temporaryFolder(t)
  const output = await runGuide({ page: 'docs/getting-started.md', folder })
  assert.match(output, /Training completed successfully\./)
  assert.match(output, /"itemScores":\[\{"item":"(stove|tent)"/)
  assert.match(output, /"item":"(stove|mat)".*"source":"item"/)
  assert.match(output, /Your system is all ready to go\./)
})
