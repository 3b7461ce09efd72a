// The word about a control record may get lost, and the record stand in the log all the same.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Directory } from '#ports/directory'
import { MillraceError } from '#ports/errors'
import { ENGINE, memoryDirectory, trainWorld } from '../support/train-world.ts'

type Loses = (type: string) => 'the word' | 'the record' | null

function losing(loses: Loses): Directory {
  const inner = memoryDirectory([])
  const lost = new MillraceError('LOG_UNAVAILABLE', { reason: 'the connection broke' })
  return {
    ...inner,
    get state() {
      return inner.state
    },
    write: async (record) => {
      const what = loses(record.changes[0]?.type ?? '')
      if (what === 'the record') throw lost
      const verdict = await inner.write(record)
      if (what === 'the word') throw lost
      return verdict
    },
  }
}

const given = (t: TestContext, loses: Loses) => trainWorld(t, { directory: losing(loses) })

test('a training whose activation stands in the log is done, although nobody was told', async (t) => {
  const w = await given(t, (type) => (type === 'version-activated' ? 'the word' : null))
  assert.equal(await w.train(), 'v1')
  assert.equal(w.directory.state.engines.get(ENGINE)?.activeVersion, 'v1')
  assert.deepEqual(w.indexed(), ['v1'])
  assert.equal((await w.models.list(ENGINE)).length, 1)
})

test('nothing is removed while it is not known that the version will never answer', async (t) => {
  const w = await given(t, (type) => {
    return type === 'version-activated' || type === 'version-closed' ? 'the record' : null
  })
  assert.equal(await w.train(), 'LOG_UNAVAILABLE')
  assert.deepEqual(w.indexed(), ['v1'])
  assert.equal((await w.models.list(ENGINE)).length, 1)
})

test('a version that is closed for good leaves nothing', async (t) => {
  const w = await given(t, (type) => (type === 'version-activated' ? 'the record' : null))
  assert.equal(await w.train(), 'LOG_UNAVAILABLE')
  assert.deepEqual(w.indexed(), [])
  assert.equal((await w.models.list(ENGINE)).length, 0)
})
