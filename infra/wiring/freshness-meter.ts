// How long an event takes from its acknowledgement to its effect, measured all the time on real traffic: of the appends of
// this process one in a while is followed until the store (reads, histories) and the index (rules, new items) show it.
import type { Clock } from '#ports/clock'
import type { Log } from '#ports/log'
import type { Telemetry } from '#ports/telemetry'
import type { SinkName, Watermarks } from '#ports/watermarks'
import { watermarkOf } from '#schemas/position'

/** Sinks whose progress readers feel. */
export const FELT_SINKS = ['store', 'index'] as const satisfies readonly SinkName[]
export type FeltSink = (typeof FELT_SINKS)[number]

/** At most one append in so many milliseconds is followed. */
const SAMPLE_EVERY_MS = 20
/** Who is followed longer counts with this; longer ones at once are bounded by `FOLLOWED_MAX`. */
const FOLLOWED_LONGEST_MS = 60_000
const FOLLOWED_MAX = 1000
/** Figures are of this window, and of at most so many samples. */
const WINDOW_MS = 5 * 60_000
const SAMPLES_KEPT = 4096

/** Milliseconds from acknowledgement to effect in the last five minutes; null when nothing was acknowledged. */
export interface FreshnessFigures {
  readonly p50: number
  readonly p99: number
  readonly samples: number
}

export interface FreshnessMeter {
  /** The same log, its appends followed. */
  follow(log: Log): Log
  figures(): Readonly<Record<FeltSink, FreshnessFigures | null>>
}

export interface FreshnessMeterOptions {
  readonly watermarks: Watermarks
  readonly clock: Clock
  readonly telemetry: Telemetry
}

export function createFreshnessMeter(options: FreshnessMeterOptions): FreshnessMeter {
  const { watermarks, clock, telemetry } = options
  const windows = { store: createWindow(clock), index: createWindow(clock) }
  let followed = 0
  let lastAt = Number.NEGATIVE_INFINITY

  const followTo = async (sink: FeltSink, wanted: Parameters<Watermarks['waitFor']>[1]) => {
    const acknowledgedAt = clock.monotonic()
    followed++
    const reached = await watermarks.waitFor(sink, wanted, FOLLOWED_LONGEST_MS)
    followed--
    const took = clock.monotonic() - acknowledgedAt
    // Not reached, and early: the sinks are being closed.
    if (!reached && took < FOLLOWED_LONGEST_MS) return
    windows[sink].add(took)
    telemetry.emit('millrace_freshness_ms', took, { sink })
  }
  return {
    follow: (log) => ({
      ...log,
      append: async (partition, values) => {
        const position = await log.append(partition, values)
        const now = clock.monotonic()
        if (now - lastAt < SAMPLE_EVERY_MS || followed >= FOLLOWED_MAX) return position
        lastAt = now
        const last = { ...position, offset: position.offset + values.length - 1 }
        const wanted = watermarkOf([last], log.partitions)
        for (const sink of FELT_SINKS) void followTo(sink, wanted)
        return position
      },
    }),
    figures: () => ({ store: windows.store.figures(), index: windows.index.figures() }),
  }
}

/** The newest samples, as a ring. */
function createWindow(clock: Clock) {
  const took = new Float64Array(SAMPLES_KEPT)
  const at = new Float64Array(SAMPLES_KEPT)
  let count = 0
  return {
    add: (ms: number): void => {
      took[count % SAMPLES_KEPT] = ms
      at[count % SAMPLES_KEPT] = clock.monotonic()
      count++
    },
    figures: (): FreshnessFigures | null => {
      const since = clock.monotonic() - WINDOW_MS
      const kept = Math.min(count, SAMPLES_KEPT)
      const recent = took.subarray(0, kept).filter((_, i) => (at[i] ?? 0) >= since)
      if (recent.length === 0) return null
      recent.sort()
      return {
        p50: quantile(recent, 0.5),
        p99: quantile(recent, 0.99),
        samples: recent.length,
      }
    },
  }
}

/** The smallest value that this share of the ascending values does not exceed (nearest rank). */
function quantile(ascending: Float64Array, share: number): number {
  const rank = Math.max(1, Math.ceil(share * ascending.length))
  return ascending[rank - 1] ?? 0
}
