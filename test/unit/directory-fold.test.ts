import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ControlChange, ControlRecord, DirectoryState, ObjectKey } from '#schemas/directory'
import { decideControl, EMPTY_DIRECTORY, foldControl, revisionOf } from '#schemas/directory-fold'
import { MODELS_KEPT, VERSIONS_KEPT } from '#schemas/directory-versions'

let clock = 0
const record = (
  changes: readonly ControlChange[],
  expects: ControlRecord['expects'] = {},
): ControlRecord => ({ appendId: `a${++clock}`, time: clock, expects, changes })

/** The directory after these changes, one record each; all must be accepted. */
function given(...changes: readonly ControlChange[]): DirectoryState {
  return changes.reduce((state, change) => {
    const next = record([change])
    assert.deepEqual(decideControl(state, next), { accepted: true })
    return foldControl(state, next)
  }, EMPTY_DIRECTORY)
}

function refused(state: DirectoryState, ...changes: readonly ControlChange[]): string {
  const next = record(changes)
  const verdict = decideControl(state, next)
  assert.equal(foldControl(state, next), state, 'a refused record changes nothing')
  assert.ok(!verdict.accepted && 'rule' in verdict)
  return verdict.rule
}

const app = (id: number, name = `app-${id}`): ControlChange => ({
  type: 'app-created',
  app: { id, name, description: null },
})
const key = (hash: string, appId: number): ControlChange => ({
  type: 'key-created',
  key: { hash, sealed: null, appId, events: [] },
})
const channel = (id: number, appId: number, name: string): ControlChange => ({
  type: 'channel-created',
  channel: { id, appId, name },
})
const engine = (engineId: string, appId: number, note = 0): ControlChange => ({
  type: 'engine-registered',
  engineId,
  appId,
  factory: 'universal',
  variant: { note },
})
const opened = (versionId: string): ControlChange => ({
  type: 'version-opened',
  engineId: 'shop',
  versionId,
})
const activated = (versionId: string): ControlChange => ({
  type: 'version-activated',
  engineId: 'shop',
  versionId,
  summary: null,
})
const closed = (versionId: string): ControlChange => ({
  type: 'version-closed',
  engineId: 'shop',
  versionId,
  status: 'failed',
  reason: 'no events',
})
const statuses = (state: DirectoryState): Record<string, string> =>
  Object.fromEntries(state.engines.get('shop')?.versions.map((v) => [v.id, v.status]) ?? [])

const SHOP = [app(1), engine('shop', 1)] as const

describe('directory: versions of the event store', () => {
  const open = (versionId: string) => ({ type: 'store-opened', versionId }) as const
  const activate = (versionId: string) => ({ type: 'store-activated', versionId }) as const
  const close = (versionId: string) => ({ type: 'store-closed', versionId }) as const

  it('opens one beside the active one and switches to it', () => {
    assert.deepEqual(given().store, { active: null, open: null, revision: 0 })
    assert.deepEqual(given(open('a')).store, { active: null, open: 'a', revision: 1 })
    const switched = given(open('a'), activate('a'), open('b'), close('b'))
    assert.deepEqual(switched.store, { active: 'a', open: null, revision: 4 })
    assert.equal(revisionOf(switched, 'store'), 4)
  })

  it('refuses a second open one, and to activate what is not open', () => {
    assert.match(refused(given(open('a')), open('b')), /a is open/)
    assert.match(refused(given(open('a'), close('a')), activate('a')), /not open/)
    assert.match(refused(given(open('a'), activate('a')), open('a')), /a is active/)
    assert.match(refused(given(), open('../a')), /no id/)
  })
})

describe('directory: revisions', () => {
  it('refuses a record whose expected revision is not the one found', () => {
    const state = given(app(1))
    assert.deepEqual(decideControl(state, record([key('k', 1)], { 'app:1': 7 })), {
      accepted: false,
      object: 'app:1',
      expected: 7,
      found: 1,
    })
  })

  it('accepts the first of two writers and refuses the second', () => {
    const state = given(app(1), key('k', 1))
    const expects = { 'key:k': revisionOf(state, 'key:k') }
    const remove = (): ControlRecord => record([{ type: 'key-deleted', hash: 'k' }], expects)
    const after = foldControl(state, remove())
    assert.equal(after.keys.size, 0)
    assert.equal(decideControl(after, remove()).accepted, false)
  })

  it('gives every kind of object a revision, and 0 to what is absent', () => {
    const state = given(app(1, 'a/b: c'), key('k', 1), channel(1, 1, 'web'), engine('shop', 1))
    const revisions: Record<ObjectKey, number> = {
      'app:1': 1,
      'app-name:a/b: c': 1,
      'key:k': 2,
      'channel:1': 3,
      'channel-name:1/web': 3,
      'engine:shop': 4,
      'app:2': 0,
      'app-name:a': 0,
      'key:z': 0,
      'channel:2': 0,
      'channel-name:2/web': 0,
      'engine:none': 0,
      store: 0,
    }
    for (const [object, revision] of Object.entries(revisions)) {
      assert.equal(revisionOf(state, object as ObjectKey), revision, object)
    }
  })

  it('never gives an object that was made anew a revision it had before', () => {
    const before = given(app(1), key('k', 1))
    const removed = foldControl(before, record([{ type: 'key-deleted', hash: 'k' }]))
    const again = foldControl(removed, record([key('k', 1)]))
    assert.notEqual(revisionOf(again, 'key:k'), revisionOf(before, 'key:k'))
  })

  it('applies the changes of a record together or not at all', () => {
    const state = given(app(1))
    assert.match(refused(state, key('k', 1), key('k', 1)), /exists already/)
  })
})

describe('directory: apps, keys and channels', () => {
  it('keeps names of apps unique', () => {
    assert.match(refused(given(app(1, 'shop')), app(2, 'shop')), /shop exists/)
  })

  it('deletes an app with its keys, channels and engines, and no other', () => {
    const state = given(
      ...[app(1), app(2), key('k1', 1), key('k2', 2), channel(1, 1, 'web'), channel(2, 2, 'web')],
      ...[engine('one', 1), engine('two', 2), { type: 'app-deleted', appId: 1 } as const],
    )
    assert.deepEqual([...state.apps.keys()], [2])
    assert.deepEqual([...state.keys.keys()], ['k2'])
    assert.deepEqual([...state.channels.keys()], [2])
    assert.deepEqual([...state.engines.keys()], ['two'])
    assert.equal(state.defaultEngine, 'two')
  })

  it('never uses the number of a deleted app or channel again', () => {
    const state = given(
      ...[app(5), channel(3, 5, 'web'), { type: 'channel-deleted', channelId: 3 } as const],
      ...[{ type: 'app-deleted', appId: 5 } as const, app(2)],
    )
    assert.match(refused(state, app(5, 'new')), /deleted app/)
    assert.match(refused(state, channel(3, 2, 'web')), /given to a channel/)
    assert.equal(state.lastAppId, 5)
    assert.equal(state.lastChannelId, 3)
  })

  it('takes the name of a deleted app again', () => {
    const state = given(app(1, 'shop'), { type: 'app-deleted', appId: 1 }, app(2, 'shop'))
    assert.equal(state.apps.get(2)?.name, 'shop')
  })

  for (const name of ['', 'seventeen-letters', 'under_score', 'a b', 'ä', 'a\n']) {
    it(`refuses the channel name ${JSON.stringify(name)}`, () => {
      assert.match(refused(given(app(1)), channel(1, 1, name)), /no name/)
    })
  }

  it('takes the same channel name in two apps but not twice in one', () => {
    const state = given(app(1), app(2), channel(1, 1, 'web'), channel(2, 2, 'web'))
    assert.match(refused(state, channel(3, 1, 'web')), /exists already/)
  })

  it('refuses what names something absent', () => {
    const state = given(app(1))
    assert.match(refused(state, key('k', 9)), /no app 9/)
    assert.match(refused(state, channel(1, 9, 'web')), /no app 9/)
    assert.match(refused(state, engine('shop', 9)), /no app 9/)
    assert.match(refused(state, { type: 'app-deleted', appId: 9 }), /no app 9/)
    assert.match(refused(state, { type: 'key-deleted', hash: 'k' }), /no such/)
    assert.match(refused(state, { type: 'channel-deleted', channelId: 9 }), /no channel/)
    assert.match(refused(state, { type: 'engine-removed', engineId: 'x' }), /no engine/)
    assert.match(refused(state, { type: 'default-engine-set', engineId: 'x' }), /no engine/)
    assert.match(refused(state, opened('v1')), /no engine/)
  })

  for (const id of [0, -1, 1.5, 2 ** 31]) {
    it(`refuses ${id} as the number of an app`, () => {
      assert.match(refused(EMPTY_DIRECTORY, app(id)), /no number/)
    })
  }
})

describe('directory: engines', () => {
  it('keeps versions over a new revision, which new versions are trained with', () => {
    const state = given(...SHOP, opened('v1'), engine('shop', 1, 2), opened('v2'))
    const [v2, v1] = state.engines.get('shop')?.versions ?? []
    assert.deepEqual([v1?.variant, v2?.variant], [{ note: 0 }, { note: 2 }])
  })

  it('refuses the id of another app’s engine and ids of other letters', () => {
    const state = given(...SHOP, app(2))
    assert.match(refused(state, engine('shop', 2)), /another app/)
    assert.match(refused(state, engine('Shop', 1)), /no id/)
  })

  it('makes the first one registered the default until another is named or it is removed', () => {
    const three = given(app(1), engine('a', 1), engine('b', 1), engine('c', 1))
    assert.equal(three.defaultEngine, 'a')
    const named = foldControl(three, record([{ type: 'default-engine-set', engineId: 'c' }]))
    assert.equal(named.defaultEngine, 'c')
    const removed = foldControl(named, record([{ type: 'engine-removed', engineId: 'c' }]))
    assert.equal(removed.defaultEngine, 'a')
  })
})

describe('directory: model versions', () => {
  it('cancels any other open version when one is opened', () => {
    const state = given(...SHOP, opened('v1'), opened('v2'))
    assert.deepEqual(statuses(state), { v2: 'open', v1: 'cancelled' })
  })

  it('moves active to previous and previous to archived', () => {
    const trained = ['v1', 'v2', 'v3'].flatMap((id) => [opened(id), activated(id)])
    const state = given(...SHOP, ...trained)
    assert.deepEqual(statuses(state), { v3: 'active', v2: 'previous', v1: 'archived' })
    assert.equal(state.engines.get('shop')?.activeVersion, 'v3')
  })

  it('rolls back to the previous and to an archived version', () => {
    const trained = ['v1', 'v2', 'v3'].flatMap((id) => [opened(id), activated(id)])
    const state = given(...SHOP, ...trained, activated('v2'))
    assert.deepEqual(statuses(state), { v3: 'previous', v2: 'active', v1: 'archived' })
    const older = foldControl(state, record([activated('v1')]))
    assert.deepEqual(statuses(older), { v3: 'archived', v2: 'previous', v1: 'active' })
  })

  it('keeps the summary of a version over a rollback', () => {
    const summary = { events: 3 }
    const first = { ...activated('v1'), summary } as ControlChange
    const trained = [opened('v1'), first, opened('v2'), activated('v2'), activated('v1')]
    const state = given(...SHOP, ...trained)
    const version = state.engines.get('shop')?.versions.find(({ id }) => id === 'v1')
    assert.deepEqual(version?.summary, summary)
  })

  it('activates only what is open, previous or archived, and closes only what is open', () => {
    const state = given(...SHOP, opened('v1'), closed('v1'), opened('v2'), activated('v2'))
    assert.match(refused(state, activated('v1')), /is failed/)
    assert.match(refused(state, activated('v2')), /is active/)
    assert.match(refused(state, activated('v9')), /no version v9/)
    assert.match(refused(state, closed('v2')), /not open/)
    assert.match(refused(state, opened('v1')), /already/)
  })

  it('keeps the last watermark of an open version and refuses one for a closed', () => {
    const watermarked = (versionId: string, offset: number): ControlChange => ({
      type: 'version-watermarked',
      engineId: 'shop',
      versionId,
      watermark: { generation: 0, offsets: [offset] },
    })
    const state = given(...SHOP, opened('v1'), watermarked('v1', 3), watermarked('v1', 5))
    assert.deepEqual(state.engines.get('shop')?.versions[0]?.watermark?.offsets, [5])
    assert.match(
      refused(foldControl(state, record([closed('v1')])), watermarked('v1', 9)),
      /failed/,
    )
  })

  it('keeps three models: the active, the previous and the newest archived', () => {
    const trained = ['v1', 'v2', 'v3', 'v4'].flatMap((id) => [opened(id), activated(id)])
    const four = given(...SHOP, ...trained)
    assert.deepEqual(statuses(four), { v4: 'active', v3: 'previous', v2: 'archived' })
    const back = [activated('v2'), opened('v5'), activated('v5')]
    const five = back.reduce((state, change) => foldControl(state, record([change])), four)
    assert.deepEqual(statuses(five), { v5: 'active', v4: 'archived', v2: 'previous' })
    assert.equal(Object.keys(statuses(five)).length, MODELS_KEPT)
  })

  it('bounds the list however many trainings fail, and keeps the models', () => {
    const failures = Array.from({ length: 50 }, (_, n) => [opened(`f${n}`), closed(`f${n}`)]).flat()
    const state = given(...SHOP, opened('v1'), activated('v1'), ...failures)
    const list = state.engines.get('shop')?.versions ?? []
    assert.equal(list.length, VERSIONS_KEPT)
    assert.equal(list[0]?.id, 'f49')
    assert.equal(list.at(-1)?.id, 'v1')
  })
})

describe('directory: schedules', () => {
  const every = (ms: number): ControlChange => ({
    type: 'schedule-set',
    engineId: 'shop',
    schedule: { type: 'every', ms },
  })

  it('holds one an engine, with the time at which it was set', () => {
    const state = given(...SHOP, every(60_000), every(120_000))
    const its = state.engines.get('shop')
    assert.deepEqual(its?.schedule, { type: 'every', ms: 120_000, setAt: clock })
    assert.equal(its?.revision, state.accepted, 'it is a new revision of the engine')
    const off = record([{ type: 'schedule-set', engineId: 'shop', schedule: null }])
    assert.equal(foldControl(state, off).engines.get('shop')?.schedule, null)
  })

  it('starts without one and keeps it over a new revision and a training', () => {
    assert.equal(given(...SHOP).engines.get('shop')?.schedule, null)
    const state = given(...SHOP, every(60_000), engine('shop', 1, 2), opened('a'), activated('a'))
    assert.equal(state.engines.get('shop')?.schedule?.type, 'every')
  })

  it('refuses one of an unknown engine, and what is none', () => {
    assert.match(refused(given(app(1)), every(60_000)), /no engine shop/)
    const state = given(...SHOP)
    for (const ms of [59_999, 366 * 86_400_000 + 1, 60_000.5, Number.NaN]) {
      assert.match(refused(state, every(ms)), /no schedule/, String(ms))
    }
    for (const schedule of [
      { type: 'after-events', count: 0 },
      { type: 'after-events', count: 1.5 },
      { type: 'cron', expression: '' },
      { type: 'moon' },
    ]) {
      const change = { type: 'schedule-set', engineId: 'shop', schedule } as ControlChange
      assert.match(refused(state, change), /no schedule/)
    }
  })
})
