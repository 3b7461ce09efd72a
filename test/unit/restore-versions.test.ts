// Which versions a process puts into its index when it starts, and what it does when it cannot.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MillraceError } from '#ports/errors'
import type { ItemIndex } from '#ports/item-index'
import { keepRestoring, RESTORE_AGAIN_MS, restoreVersions } from '../../batch/restore-versions.ts'
import { makeModel, VERSION } from '../support/item-index-fixture.ts'
import { createManualClock } from '../support/memory/clock.ts'
import { createMemoryItemIndex } from '../support/memory/item-index.ts'
import { ENGINE, trainWorld } from '../support/train-world.ts'
import { until } from '../support/until.ts'

test('a start loads the active and the previous version; a damaged one keeps none from it', async (t) => {
  const w = await trainWorld(t)
  for (let n = 0; n < 3; n++) await w.train()
  const index = createMemoryItemIndex()
  assert.deepEqual(await restoreVersions({ ...w, index }), [])
  assert.deepEqual(
    index.versions().map(({ versionId }) => versionId),
    ['v3', 'v2'],
  )
  await w.models.remove(ENGINE, 'v3')
  const second = createMemoryItemIndex()
  const failures = await restoreVersions({ ...w, index: second })
  assert.deepEqual(
    failures.map(({ versionId, error }) => [versionId, error.code]),
    [['v3', 'VERSION_NOT_FOUND']],
  )
  assert.deepEqual(second.versions().length, 1)
})

test('a version that cannot be loaded while the index is away is loaded when it is back', async (t) => {
  const w = await trainWorld(t)
  await w.train()
  const clock = createManualClock()
  const inner = createMemoryItemIndex()
  let isAway = true
  let tries = 0
  const index: ItemIndex = {
    ...inner,
    publish: async (...version) => {
      tries++
      if (isAway) throw new MillraceError('INDEX_UNAVAILABLE', { reason: 'it is away' })
      await inner.publish(...version)
    },
  }
  const restoring = await keepRestoring({ ...w, clock, index })
  t.after(() => restoring.close())
  assert.equal(tries, 1)
  await until(() => clock.sleeping > 0)
  clock.advance(RESTORE_AGAIN_MS)
  await until(() => tries === 2 && clock.sleeping > 0)
  isAway = false
  clock.advance(2 * RESTORE_AGAIN_MS)
  await until(() => inner.versions().length === 1)
  assert.deepEqual([tries, clock.sleeping], [3, 0])
})

test('versions of engines that are no more leave an index that outlived them', async (t) => {
  const w = await trainWorld(t)
  await w.train()
  const index = createMemoryItemIndex()
  const model = makeModel({ items: ['a'] })
  await index.publish({ ...VERSION, engineId: 'removed' }, model)
  const restoring = await keepRestoring({ ...w, clock: createManualClock(), index })
  t.after(() => restoring.close())
  assert.deepEqual(
    index.versions().map(({ engineId }) => engineId),
    [ENGINE],
  )
})
