import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MillraceError } from '#ports/errors'
import { createCommitGroups } from '../../infra/embedded/commit-group.ts'
import { groupBytes, valueBytes } from '../../infra/embedded/log-group.ts'

const value = (text: string): Buffer => Buffer.from(text)

/** A store of groups whose writes the test lets end, one by one. */
function createStore(options: { groupBytesMax?: number; waitingBytesMax?: number } = {}) {
  const written: { offset: number; values: string[] }[] = []
  const open: PromiseWithResolvers<void>[] = []
  const groups = createCommitGroups({
    ...options,
    end: 10,
    write: async (offset, values) => {
      written.push({ offset, values: values.map(String) })
      const gate = Promise.withResolvers<void>()
      open.push(gate)
      await gate.promise
    },
  })
  const turn = (): Promise<void> =>
    new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  const finish = async (error?: Error): Promise<void> => {
    await turn()
    const gate = open.shift()
    assert.ok(gate, 'a group is being written')
    if (error) gate.reject(error)
    else gate.resolve()
    await turn()
  }
  return { groups, written, finish, turn, writing: () => open.length }
}

test('commit groups: what arrives while a group is written is the next group', async () => {
  const { groups, written, finish, turn, writing } = createStore()
  const appends = [groups.append([value('a')]), groups.append([value('b'), value('c')])]
  await turn()
  appends.push(groups.append([value('d')]))
  await turn()
  appends.push(groups.append([value('e')]))
  assert.equal(writing(), 1)
  await finish()
  await finish()
  assert.deepEqual(await Promise.all(appends), [10, 11, 13, 14])
  assert.deepEqual(written, [
    { offset: 10, values: ['a', 'b', 'c'] },
    { offset: 13, values: ['d', 'e'] },
  ])
})

test('commit groups: a group ends at its limit, an append may take several, a large value goes alone', async () => {
  const three = groupBytes([]) + 3 * valueBytes(value('a'))
  const { groups, written, finish } = createStore({ groupBytesMax: three })
  const long = groups.append([...'abcde'].map(value))
  const large = groups.append([value('L'.repeat(100))])
  const short = groups.append([value('f')])
  let over = false
  void long.then(() => {
    over = true
  })
  await finish()
  assert.equal(over, false)
  for (let i = 0; i < 3; i++) await finish()
  assert.deepEqual(await Promise.all([long, large, short]), [10, 15, 16])
  assert.deepEqual(
    written.map(({ offset, values }) => [offset, values.map((text) => text[0]).join('')]),
    [
      [10, 'abc'],
      [13, 'de'],
      [15, 'L'],
      [16, 'f'],
    ],
  )
})

test('commit groups: a failed group fails its appends and gives its offsets to the next', async () => {
  const two = groupBytes([]) + 2 * valueBytes(value('a'))
  const { groups, written, finish } = createStore({ groupBytesMax: two })
  const results = Promise.allSettled([
    groups.append([value('a')]),
    groups.append([value('b'), value('c'), value('d')]),
    groups.append([value('e')]),
  ])
  await finish(new Error('full'))
  await finish()
  assert.deepEqual(
    (await results).map((result) => (result.status === 'fulfilled' ? result.value : result.reason)),
    [new Error('full'), new Error('full'), 10],
  )
  assert.deepEqual(written, [
    { offset: 10, values: ['a', 'b'] },
    { offset: 10, values: ['e'] },
  ])
})

test('commit groups: an append of nothing takes its turn but writes nothing', async () => {
  const { groups, written, finish } = createStore()
  assert.equal(await groups.append([]), 10)
  const [first, empty] = [groups.append([value('a')]), groups.append([])]
  await finish()
  assert.deepEqual([await first, await empty], [10, 11])
  assert.equal(written.length, 1)
})

test('commit groups: appends beyond the limit of waiting bytes are refused, and taken again later', async () => {
  const one = groupBytes([value('a')])
  const { groups, finish, turn } = createStore({ waitingBytesMax: 3 * one })
  const taken = [1, 2, 3].map(() => groups.append([value('a')]))
  const code = (wanted: string) => (error: unknown) =>
    error instanceof MillraceError && error.code === wanted
  await assert.rejects(groups.append([value('a')]), code('OVERLOADED'))
  await finish()
  assert.deepEqual(await Promise.all(taken), [10, 11, 12])
  // Larger than the limit, but alone.
  const large = groups.append([value('x'.repeat(10 * one))])
  await finish()
  assert.equal(await large, 13)
  const last = groups.append([value('z')])
  const closed = groups.close()
  await assert.rejects(groups.append([value('a')]), code('LOG_UNAVAILABLE'))
  await turn()
  await finish()
  await closed
  assert.equal(await last, 14)
})
