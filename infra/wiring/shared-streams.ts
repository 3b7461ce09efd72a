// The sinks where several processes run them: each works on its share of the partitions, and starts anew when the share
// changes. Where the sinks of all processes are is told over the places log, so that readers of any process can wait for them.
import { asMillraceError, MillraceError } from '#ports/errors'
import type { Closable, Health } from '#ports/lifecycle'
import type { ArchiveCloser } from '#ports/watermarks'
import { createWatermarks, type MovableWatermarks } from '../../streams/watermarks.ts'
import type { Logs } from './log-source.ts'
import { announcePlaces, followPlaces, type PlacesOptions } from './places.ts'
import { type Streams, type StreamsOptions, startStreams } from './streams-host.ts'

/** Ranges are closed at the barriers of a training by whoever has the partition; longer than that nobody waits for it. */
const CLOSE_WAIT_MS = 600_000
const RESTART_MS = 1000

export type SharedStreamsOptions = Omit<StreamsOptions, 'partitions' | 'watermarks'>

/** Joins those who divide the partitions; told each time the share of this process changes. */
export type Claim = (onChange: (partitions: readonly number[]) => void) => Promise<Closable>

/** The sinks of other processes, as a process without the role sees them. */
export function followStreams(
  options: Pick<SharedStreamsOptions, 'logs' | 'clock' | 'telemetry'>,
): Streams {
  const { watermarks, following } = follow(options)
  return {
    watermarks,
    archive: archiveOfAll(watermarks),
    replaceStore,
    health: async () => ({
      name: 'streams',
      status: 'ok',
      detail: 'Other processes run the sinks.',
    }),
    close: async () => {
      await following.close()
      watermarks.close()
    },
  }
}

/** The sinks on this process's share. @throws MillraceError as startStreams does, and what joining throws */
export async function startSharedStreams(
  options: SharedStreamsOptions,
  claim: Claim,
): Promise<Streams> {
  const { clock, telemetry } = options
  const { watermarks, following, places } = follow(options)
  const announcing = announcePlaces(places, watermarks)
  const first = Promise.withResolvers<void>()
  let wanted: readonly number[] | null = null
  let running: { readonly streams: Streams; readonly partitions: readonly number[] } | null = null
  let isClosing = false
  let changing: Promise<void> = Promise.resolve()

  const change = async (): Promise<void> => {
    while (!isClosing && wanted !== null && running?.partitions !== wanted) {
      const partitions = wanted
      const before = running
      running = null
      await before?.streams.close()
      try {
        const streams = await startStreams({ ...options, watermarks, partitions })
        running = { streams, partitions }
        first.resolve()
      } catch (error) {
        // The first time the process says so and ends; later it tries again.
        first.reject(error)
        telemetry.log('error', 'streams-not-started', { reason: asMillraceError(error).message })
        await clock.sleep(RESTART_MS)
      }
    }
  }
  const claimed = await claim((partitions) => {
    // When others come and go the share may stay as it is.
    if (wanted?.join() === partitions.join()) return
    wanted = partitions
    changing = changing.then(change)
  })
  const close = async (): Promise<void> => {
    isClosing = true
    await claimed.close()
    await changing
    await running?.streams.close()
    await announcing.close()
    await following.close()
    watermarks.close()
  }
  try {
    await first.promise
  } catch (error) {
    await close()
    throw error
  }
  return {
    watermarks,
    archive: archiveOfAll(watermarks),
    replaceStore,
    health: () => healthOf(running),
    close,
  }
}

async function healthOf(
  running: { readonly streams: Streams; readonly partitions: readonly number[] } | null,
): Promise<Health> {
  const name = 'streams'
  if (running === null) {
    const hint =
      'It lasts a few seconds when processes come and go; see the log of this process if it does not end.'
    return { name, status: 'degraded', detail: 'The sinks change their partitions.', hint }
  }
  const health = await running.streams.health()
  const share = running.partitions.length === 0 ? 'none' : running.partitions.join(', ')
  return { ...health, detail: `${health.detail} Partitions of this process: ${share}.` }
}

function follow({
  logs,
  clock,
  telemetry,
}: Pick<SharedStreamsOptions, 'logs' | 'clock' | 'telemetry'>) {
  const { partitions, generation } = logs.events
  const watermarks = createWatermarks({ partitions, generation, clock })
  const places: PlacesOptions = { places: placesOf(logs), clock, telemetry }
  return { watermarks, places, following: followPlaces(places, watermarks) }
}

function placesOf({ places, events }: Logs) {
  if (places !== null) return places
  throw new MillraceError('INTERNAL', {
    reason: `the log of ${events.partitions} partitions has no places`,
  })
}

/** Archive sinks close their ranges at the barrier by themselves: it is enough to wait for them. */
function archiveOfAll(watermarks: MovableWatermarks): ArchiveCloser {
  return {
    closeAt: async (watermark) => {
      if (await watermarks.waitFor('archive', watermark, CLOSE_WAIT_MS)) return
      const reason = 'no process has archived that far; is one with the role streams running?'
      throw new MillraceError('SINK_STOPPED', { sink: 'archive', reason })
    },
  }
}

async function replaceStore(): Promise<never> {
  throw new MillraceError('CONFIG_UNSUPPORTED', {
    where: 'store',
    value: 'a store that several processes share',
    supported: 'lmdb: (versions of a store on a server cannot be made yet)',
  })
}
