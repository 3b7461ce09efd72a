// The directory over random control records: what holds whatever is written, in whatever order.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type {
  ControlChange,
  ControlRecord,
  DirectoryState,
  ObjectKey,
  Schedule,
} from '#schemas/directory'
import { decideControl, EMPTY_DIRECTORY, foldControl, revisionOf } from '#schemas/directory-fold'
import { MODELS_KEPT, VERSIONS_KEPT } from '#schemas/directory-versions'

const pick = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values)
const appId = fc.integer({ min: 1, max: 3 })
const engineId = pick('a', 'b')
const versionId = fc.integer({ min: 1, max: 9 }).map((n) => `v${n}`)

const change: fc.Arbitrary<ControlChange> = fc.oneof(
  fc
    .tuple(appId, pick('x', 'y'))
    .map(([id, name]) => ({ type: 'app-created', app: { id, name, description: null } }) as const),
  appId.map((id) => ({ type: 'app-deleted', appId: id }) as const),
  fc
    .tuple(pick('k1', 'k2'), appId)
    .map(
      ([hash, id]) =>
        ({ type: 'key-created', key: { hash, sealed: null, appId: id, events: [] } }) as const,
    ),
  pick('k1', 'k2').map((hash) => ({ type: 'key-deleted', hash }) as const),
  fc
    .tuple(fc.integer({ min: 1, max: 4 }), appId, pick('web', 'app'))
    .map(
      ([id, app, name]) =>
        ({ type: 'channel-created', channel: { id, appId: app, name } }) as const,
    ),
  fc
    .integer({ min: 1, max: 4 })
    .map((channelId) => ({ type: 'channel-deleted', channelId }) as const),
  fc.tuple(engineId, appId).map(
    ([id, app]) =>
      ({
        type: 'engine-registered',
        engineId: id,
        appId: app,
        factory: 'universal',
        variant: {},
      }) as const,
  ),
  engineId.map((id) => ({ type: 'engine-removed', engineId: id }) as const),
  fc
    .tuple(
      engineId,
      pick<Schedule | null>(
        null,
        { type: 'every', ms: 60_000 },
        { type: 'every', ms: 59_999 },
        { type: 'cron', expression: '0 3 * * *' },
        { type: 'after-events', count: 1 },
        { type: 'after-events', count: 0 },
      ),
    )
    .map(([id, schedule]) => ({ type: 'schedule-set', engineId: id, schedule }) as const),
  fc.option(engineId).map((id) => ({ type: 'default-engine-set', engineId: id }) as const),
  {
    weight: 4,
    arbitrary: fc
      .tuple(engineId, versionId)
      .map(
        ([id, version]) => ({ type: 'version-opened', engineId: id, versionId: version }) as const,
      ),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(engineId, versionId)
      .map(
        ([id, version]) =>
          ({ type: 'version-activated', engineId: id, versionId: version, summary: null }) as const,
      ),
  },
  fc.tuple(engineId, versionId, pick('failed' as const, 'cancelled' as const)).map(
    ([id, version, status]) =>
      ({
        type: 'version-closed',
        engineId: id,
        versionId: version,
        status,
        reason: 'r',
      }) as const,
  ),
  fc
    .tuple(
      pick<'store-opened' | 'store-activated' | 'store-closed'>(
        'store-opened',
        'store-activated',
        'store-closed',
      ),
      versionId,
    )
    .map(([type, version]) => ({ type, versionId: version }) as const),
)

/** A small world that is there from the start, so that most changes find something. */
const START: readonly ControlChange[] = [
  { type: 'app-created', app: { id: 1, name: 'x', description: null } },
  { type: 'engine-registered', engineId: 'a', appId: 1, factory: 'universal', variant: {} },
]

const records: fc.Arbitrary<ControlRecord[]> = fc
  .array(fc.array(change, { minLength: 1, maxLength: 2 }), { maxLength: 40 })
  .map((lists) =>
    [START, ...lists].map((changes, n) => ({ appendId: `a${n}`, time: n, expects: {}, changes })),
  )

function check(state: DirectoryState): void {
  const owned = [...state.keys.values(), ...state.channels.values(), ...state.engines.values()]
  assert.ok(owned.every((object) => state.apps.has(object.appId)))
  const names = [...state.apps.values()].map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  const channels = [...state.channels.values()].map((c) => `${c.appId}/${c.name}`)
  assert.equal(new Set(channels).size, channels.length)
  assert.ok([...state.deletedApps].every((id) => !state.apps.has(id)))
  assert.equal(state.defaultEngine === null, state.engines.size === 0)
  assert.ok(state.defaultEngine === null || state.engines.has(state.defaultEngine))
  assert.ok(state.store.open === null || state.store.open !== state.store.active)
  for (const engine of state.engines.values()) {
    const having = (...statuses: string[]): string[] =>
      engine.versions.filter(({ status }) => statuses.includes(status)).map(({ id }) => id)
    assert.ok(having('open').length <= 1)
    assert.deepEqual(having('active'), engine.activeVersion === null ? [] : [engine.activeVersion])
    assert.ok(having('previous').length <= 1)
    assert.ok(having('active', 'previous', 'archived').length <= MODELS_KEPT)
    assert.ok(engine.versions.length <= VERSIONS_KEPT)
    assert.equal(new Set(engine.versions.map(({ id }) => id)).size, engine.versions.length)
    const { schedule } = engine
    if (schedule?.type === 'every') assert.equal(schedule.ms, 60_000)
    if (schedule?.type === 'after-events') assert.equal(schedule.count, 1)
  }
}

describe('directory: any control log', () => {
  it('stays whole after every record', () => {
    fc.assert(
      fc.property(records, (log) => {
        let state = EMPTY_DIRECTORY
        for (const record of log) {
          const { accepted } = decideControl(state, record)
          const next = foldControl(state, record)
          assert.equal(
            next !== state,
            accepted,
            'what is accepted changes it, what is refused does not',
          )
          assert.equal(next.accepted, state.accepted + (accepted ? 1 : 0))
          assert.ok(next.lastAppId >= state.lastAppId && next.lastChannelId >= state.lastChannelId)
          check(next)
          state = next
        }
      }),
      { numRuns: 500 },
    )
  })

  it('never lets a deleted app or channel come back under its number', () => {
    fc.assert(
      fc.property(records, (log) => {
        let state = EMPTY_DIRECTORY
        const goneApps = new Set<number>()
        const goneChannels = new Set<number>()
        for (const record of log) {
          const next = foldControl(state, record)
          for (const id of state.apps.keys()) if (!next.apps.has(id)) goneApps.add(id)
          for (const id of state.channels.keys()) if (!next.channels.has(id)) goneChannels.add(id)
          assert.ok([...next.apps.keys()].every((id) => !goneApps.has(id)))
          assert.ok([...next.channels.keys()].every((id) => !goneChannels.has(id)))
          state = next
        }
      }),
    )
  })

  it('keeps the last schedule that was set, whatever else happens to its engine', () => {
    fc.assert(
      fc.property(records, (log) => {
        let state = EMPTY_DIRECTORY
        const last = new Map<string, Schedule | null>()
        for (const record of log) {
          const { accepted } = decideControl(state, record)
          state = foldControl(state, record)
          for (const change of accepted ? record.changes : []) {
            if (change.type === 'schedule-set') last.set(change.engineId, change.schedule)
            if (change.type === 'engine-removed') last.delete(change.engineId)
          }
          for (const id of last.keys()) if (!state.engines.has(id)) last.delete(id)
        }
        for (const [id, { schedule }] of state.engines) {
          const { setAt: _, ...its } = schedule ?? { setAt: 0 }
          assert.deepEqual(schedule === null ? null : its, last.get(id) ?? null)
        }
      }),
    )
  })

  it('accepts one of any number of writers who saw the same engine', () => {
    fc.assert(
      fc.property(records, fc.array(versionId, { minLength: 2, maxLength: 5 }), (log, versions) => {
        const state = log.reduce(foldControl, EMPTY_DIRECTORY)
        const object: ObjectKey = 'engine:a'
        const expects = { [object]: revisionOf(state, object) }
        let accepted = 0
        let now = state
        for (const [n, version] of versions.entries()) {
          const record: ControlRecord = {
            appendId: `w${n}`,
            time: 0,
            expects,
            changes: [{ type: 'version-opened', engineId: 'a', versionId: `${version}-${n}` }],
          }
          if (decideControl(now, record).accepted) accepted++
          now = foldControl(now, record)
        }
        assert.equal(accepted, state.engines.has('a') ? 1 : 0)
      }),
    )
  })
})
