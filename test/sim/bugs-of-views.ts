// Bugs of reads, the item index, the directory and trainings, to be planted one at a time.
import type { ItemChange } from '#ports/item-index'
import type { JobQueue } from '#ports/job-queue'
import type { ItemState } from '#schemas/state'
import type { Bug } from './plants.ts'
import { KEYS, OTHER, SHOP } from './world.ts'

const mapStates = (
  changes: readonly ItemChange[],
  change: (state: ItemState) => ItemState,
): ItemChange[] =>
  changes.map((one) => (one.type === 'state' ? { ...one, state: change(one.state) } : one))

export const BUGS_OF_VIEWS: readonly Bug[] = [
  {
    name: 'reads do not wait for the store',
    plant: () => ({
      watermarks: (watermarks, { scheduler, life }) => ({
        ...watermarks,
        waitFor: async (sink, wanted, ms) => {
          if (sink !== 'store') return watermarks.waitFor(sink, wanted, ms)
          await scheduler.gate(life, 'does not wait')
          return true
        },
      }),
    }),
  },
  {
    name: 'the watermark of the wrong sink: queries wait for the store only',
    plant: () => ({
      watermarks: (watermarks) => ({
        ...watermarks,
        applied: (sink) => watermarks.applied(sink === 'index' ? 'store' : sink),
        waitFor: (sink, wanted, ms) =>
          watermarks.waitFor(sink === 'index' ? 'store' : sink, wanted, ms),
      }),
    }),
  },
  {
    name: 'a read does not refresh its view of the store',
    plant: () => ({ storeReader: (store) => ({ ...store, refresh: () => {} }) }),
  },
  {
    name: 'a history without its newest event',
    plant: () => ({
      storeReader: (store) => ({
        ...store,
        history: async (request) => (await store.history(request)).slice(1),
      }),
    }),
  },
  {
    name: 'a delta patch of a late $set',
    plant: () => {
      const known = new Map<string, ItemState>()
      return {
        index: (index) => ({
          ...index,
          applyItems: (app, changes) =>
            index.applyItems(
              app,
              mapStates(changes, (state) => {
                const before = known.get(`${app}/${state.item}`)?.properties ?? {}
                const patched = { ...state, properties: { ...before, ...state.properties } }
                known.set(`${app}/${state.item}`, patched)
                return patched
              }),
            ),
        }),
      }
    },
  },
  {
    name: 'a deleted item is only emptied',
    plant: () => ({
      index: (index) => ({
        ...index,
        applyItems: (app, changes) =>
          index.applyItems(
            app,
            mapStates(changes, (state) => ({ ...state, deleted: false })),
          ),
      }),
    }),
  },
  {
    name: 'the first state of an item is never replaced',
    plant: () => ({
      index: (index) => ({
        ...index,
        applyItems: (app, changes) =>
          index.applyItems(
            app,
            mapStates(changes, (state) => ({ ...state, offset: -state.offset })),
          ),
      }),
    }),
  },
  {
    name: 'changes while a version is published are lost',
    plant: () => {
      let publishing = 0
      return {
        index: (index) => ({
          ...index,
          publish: async (version, model) => {
            publishing++
            try {
              await index.publish(version, model)
            } finally {
              publishing--
            }
          },
          applyItems: async (app, changes) => {
            return publishing === 0 ? index.applyItems(app, changes) : []
          },
        }),
      }
    },
  },
  {
    name: 'a failed write of the index is skipped',
    plant: () => ({
      index: (index) => ({
        ...index,
        applyItems: (app, changes) => index.applyItems(app, changes).catch(() => []),
      }),
    }),
  },
  {
    name: 'the index is not loaded at the start',
    plant: () => ({ indexSink: (sink) => ({ ...sink, load: async () => {} }) }),
  },
  {
    name: 'a touched item is not told when its batch has others',
    plant: () => ({
      indexSink: (sink) => ({
        ...sink,
        take: (touches, upTo) =>
          sink.take(
            touches.map((touch) => ({ ...touch, states: touch.states.slice(0, 1) })),
            upTo,
          ),
      }),
    }),
  },
  {
    name: 'a key opens the other app',
    plant: () => ({
      directory: (directory) => ({
        ...directory,
        get state() {
          return directory.state
        },
        accessKey: (text) =>
          directory.accessKey(text === KEYS[OTHER] ? (KEYS[SHOP] as string) : text),
      }),
    }),
  },
  {
    name: 'two active versions: a process keeps the one it knew',
    plant: () => ({
      directory: (directory) => {
        let kept: string | null = null
        return {
          ...directory,
          get state() {
            const { state } = directory
            const engines = [...state.engines].map(([id, engine]) => {
              kept ??= engine.activeVersion
              return [id, { ...engine, activeVersion: kept }] as const
            })
            return { ...state, engines: new Map(engines) }
          },
        }
      },
    }),
  },
  {
    name: 'a training reads behind its watermark',
    plant: () => ({
      batch: (batch) => ({
        ...batch,
        train: (task, options) =>
          batch.train(
            {
              ...task,
              watermark: {
                ...task.watermark,
                offsets: task.watermark.offsets.map((offset) => Math.max(0, offset - 3)),
              },
            },
            options,
          ),
      }),
    }),
  },
  { name: 'a cancelled training still goes live', plant: deafToCancel },
  {
    name: 'another model is loaded than the version says',
    plant: () => ({
      models: (models) => ({
        ...models,
        read: async (engineId, versionId) => {
          const oldest = (await models.list(engineId)).at(-1)
          return models.read(engineId, oldest?.versionId ?? versionId)
        },
      }),
    }),
  },
  {
    name: 'the version that answers is retired',
    plant: () => ({
      index: (index) => ({
        ...index,
        publish: async (version, model) => {
          for (const { engineId, versionId } of index.versions()) {
            if (versionId !== version.versionId) await index.retire(engineId, versionId)
          }
          await index.publish(version, model)
        },
      }),
    }),
  },
]

/** The job does not hear that it is cancelled; who cancels is told that it was. */
function deafToCancel(): ReturnType<Bug['plant']> {
  return {
    queue: (queue): JobQueue => ({
      ...queue,
      process: (name, handler) =>
        queue.process(name, async (context) => {
          const { signal, progress, checkpoint, job } = context
          const deaf = new AbortController().signal
          const result = await handler({ job, progress, checkpoint, signal: deaf })
          if (signal.aborted) throw new Error('it was cancelled')
          return result
        }),
    }),
  }
}
