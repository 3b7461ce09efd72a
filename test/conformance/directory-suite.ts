// What every directory must do. The fold itself has its own tests; here it is about writing, reading back and following.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Directory } from '#ports/directory'
import type { ControlChange, ControlRecord } from '#schemas/directory'

export interface DirectorySupports {
  /** Several directories over one control log. */
  readonly several: boolean
  /** Opening again gives the same state. */
  readonly reopen: boolean
}

export interface DirectoryUnderTest {
  readonly directory: Directory
  /** Another directory over the same control log. */
  readonly another?: () => Promise<Directory>
  /** Closes everything and opens it again. */
  readonly reopen?: () => Promise<Directory>
}

export interface DirectoryFactory {
  readonly name: string
  readonly supports: DirectorySupports
  readonly open: (t: TestContext) => Promise<DirectoryUnderTest>
}

type Draft = Omit<ControlRecord, 'appendId' | 'time'>

export function appCreated(id: number, name: string): Draft {
  const change: ControlChange = { type: 'app-created', app: { id, name, description: null } }
  return { expects: { [`app:${id}`]: 0, [`app-name:${name}`]: 0 }, changes: [change] }
}

function keyCreated(directory: Directory, text: string, appId: number): Draft {
  const { hash, sealed } = directory.sealKey(text)
  const change: ControlChange = { type: 'key-created', key: { hash, sealed, appId, events: [] } }
  return { expects: { [`key:${hash}`]: 0 }, changes: [change] }
}

export function directorySuite(factory: DirectoryFactory): void {
  const it = (
    name: string,
    run: (directory: Directory, subject: DirectoryUnderTest) => Promise<void>,
  ): void => {
    test(`directory (${factory.name}): ${name}`, async (t) => {
      const subject = await factory.open(t)
      await run(subject.directory, subject)
    })
  }

  it('holds what was written when the verdict comes', async (directory) => {
    const before = directory.state
    assert.deepEqual(await directory.write(appCreated(1, 'shop')), { accepted: true })
    assert.notEqual(directory.state, before)
    assert.equal(before.apps.size, 0)
    assert.equal(directory.state.apps.get(1)?.name, 'shop')
  })

  it('says which object was not as expected, and changes nothing', async (directory) => {
    await directory.write(appCreated(1, 'shop'))
    const before = directory.state
    const verdict = await directory.write(appCreated(1, 'other'))
    assert.equal(verdict.accepted, false)
    assert.ok('object' in verdict && verdict.object === 'app:1' && verdict.expected === 0)
    assert.equal(directory.state, before)
  })

  it('says which rule a record breaks', async (directory) => {
    const verdict = await directory.write(keyCreated(directory, 'abc', 9))
    assert.ok('rule' in verdict)
    assert.match(verdict.rule, /no app 9/)
  })

  it('accepts exactly one of many writers of one object', async (directory) => {
    const verdicts = await Promise.all(
      Array.from({ length: 20 }, (_, i) => directory.write(appCreated(1, `app-${i}`))),
    )
    assert.equal(verdicts.filter(({ accepted }) => accepted).length, 1)
    assert.equal(directory.state.apps.size, 1)
  })

  it('finds keys by their text, shows the text, and forgets them with their app', async (directory) => {
    await directory.write(appCreated(1, 'shop'))
    await directory.write(keyCreated(directory, 'se€ret', 1))
    const key = directory.accessKey('se€ret')
    assert.ok(key)
    assert.equal(key.appId, 1)
    assert.equal(directory.keyText(key), 'se€ret')
    assert.equal(directory.accessKey('secret'), undefined)
    assert.equal(directory.accessKey(''), undefined)
    assert.equal(directory.accessKey('se€ret'), key)
    await directory.write({ expects: {}, changes: [{ type: 'app-deleted', appId: 1 }] })
    assert.equal(directory.accessKey('se€ret'), undefined)
  })

  it('tells listeners of accepted records, in order, until they leave', async (directory) => {
    const told: number[] = []
    const leave = directory.subscribe((record) => {
      const [change] = record.changes
      assert.ok(change?.type === 'app-created')
      assert.ok(directory.state.apps.has(change.app.id), 'the state is folded already')
      told.push(change.app.id)
    })
    for (const id of [1, 1, 2, 3]) await directory.write(appCreated(id, `app-${id}`))
    leave()
    await directory.write(appCreated(4, 'app-4'))
    assert.deepEqual(told, [1, 2, 3])
  })

  it('is well and closes', async (directory) => {
    assert.equal((await directory.health()).status, 'ok')
    await directory.close()
    await directory.close()
  })

  if (factory.supports.several) {
    it('shows what another one wrote, and takes turns with it', async (directory, { another }) => {
      assert.ok(another)
      const other = await another()
      const followed = Promise.withResolvers<void>()
      directory.subscribe(() => followed.resolve())
      for (let id = 10; id < 20; id++) await other.write(appCreated(id, `own-${id}`))
      await followed.promise
      await directory.write(appCreated(1, 'shop'))
      for (let turns = 0; turns < 100_000 && !other.state.apps.has(1); turns++) {
        await new Promise((resolve) => setImmediate(resolve))
      }
      assert.equal(other.state.apps.get(1)?.name, 'shop')
      const [mine, his] = await Promise.all([
        directory.write(appCreated(2, 'mine')),
        other.write(appCreated(2, 'his')),
      ])
      assert.notEqual(mine.accepted, his.accepted)
      await Promise.all([directory.catchUp(), other.catchUp()])
      assert.deepEqual(directory.state, other.state)
    })
  }

  if (factory.supports.reopen) {
    it('is the same after it was opened again', async (directory, { reopen }) => {
      assert.ok(reopen)
      await directory.write(appCreated(1, 'shop'))
      await directory.write(keyCreated(directory, 'abc', 1))
      await directory.write(appCreated(1, 'again'))
      const before = directory.state
      const again = await reopen()
      assert.deepEqual(again.state, before)
      const key = again.accessKey('abc')
      assert.ok(key)
      assert.equal(again.keyText(key), 'abc')
    })
  }
}
