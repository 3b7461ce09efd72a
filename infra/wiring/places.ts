// How far the sinks of all processes are, told over a small log: each process that runs sinks appends where its own are, every
// process reads what all have appended.
//
//   sinks ─▶ watermarks of this process ─ announce ─▶ [places] ─ follow ─▶ watermarks of every process
import type { Clock } from '#ports/clock'
import { asMillraceError } from '#ports/errors'
import type { Closable } from '#ports/lifecycle'
import type { Log } from '#ports/log'
import type { Telemetry } from '#ports/telemetry'
import { SINKS, type SinkName, type Watermarks } from '#ports/watermarks'
import type { Watermark } from '#schemas/position'
import type { MovableWatermarks } from '../../streams/watermarks.ts'

const PARTITION = 0
const READ_BYTES = 256 * 1024
/** Between two announcements of one process while its sinks move. */
const ANNOUNCE_EVERY_MS = 10
/** … and while they stand still, so that a process that has just started learns where they are. */
const REPEAT_EVERY_MS = 1000
const RETRY_MS = 1000
/** Announcements that are kept, and how often older ones are forgotten. */
const KEPT = 10_000
const TRIM_EVERY_MS = 60_000

type Announcement = Readonly<Record<SinkName, Watermark>>

export interface PlacesOptions {
  readonly places: Log
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/** Appends where the sinks of this process are, until it is closed. */
export function announcePlaces(options: PlacesOptions, watermarks: Watermarks): Closable {
  const { places, clock } = options
  return repeatedly(options, 'places-not-announced', async (signal) => {
    let said = ''
    let saidAt = Number.NEGATIVE_INFINITY
    let trimmedAt = clock.monotonic()
    while (!signal.aborted) {
      const now = clock.monotonic()
      const announcement = JSON.stringify(
        Object.fromEntries(SINKS.map((sink) => [sink, watermarks.applied(sink)])),
      )
      if (announcement !== said || now - saidAt >= REPEAT_EVERY_MS) {
        const { offset } = await places.append(PARTITION, [Buffer.from(announcement)])
        said = announcement
        saidAt = now
        if (now - trimmedAt >= TRIM_EVERY_MS && offset > KEPT) {
          trimmedAt = now
          await places.trim(PARTITION, offset - KEPT)
        }
      }
      await clock.sleep(ANNOUNCE_EVERY_MS, signal)
    }
  })
}

/** Moves the watermarks as they are announced, from now on, until it is closed. */
export function followPlaces(options: PlacesOptions, watermarks: MovableWatermarks): Closable {
  const { places } = options
  return repeatedly(options, 'places-not-followed', async (signal) => {
    let next = await places.end(PARTITION)
    while (!signal.aborted) {
      await places.waitFor(PARTITION, next, signal)
      if (signal.aborted) return
      const batch = await places.read(PARTITION, next, READ_BYTES)
      next = batch.next
      for (const { value } of batch.records) {
        const announcement = JSON.parse(Buffer.from(value).toString()) as Announcement
        for (const sink of SINKS) watermarks.advance(sink, announcement[sink])
      }
    }
  })
}

/** Begins again after a failure, until it is closed. */
function repeatedly(
  { clock, telemetry }: PlacesOptions,
  event: string,
  work: (signal: AbortSignal) => Promise<void>,
): Closable {
  const closing = new AbortController()
  const { signal } = closing
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        await work(signal)
      } catch (error) {
        if (signal.aborted) return
        telemetry.log('warn', event, { reason: asMillraceError(error).message })
        await clock.sleep(RETRY_MS, signal)
      }
    }
  }
  const running = run()
  return {
    close: async () => {
      closing.abort()
      await running
    },
  }
}
