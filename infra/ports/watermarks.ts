// How far the sinks are, as readers ask it. Streams answers from memory: no read per waiting request.
import type { Watermark } from '#schemas/position'

export const SINKS = ['store', 'index', 'archive'] as const
export type SinkName = (typeof SINKS)[number]

export interface Watermarks {
  /** What the sink has applied, that is: what readers see. */
  applied(sink: SinkName): Watermark
  /** True as soon as the sink has applied `wanted`; false when `timeoutMs` passed first. Many may wait at once. */
  waitFor(sink: SinkName, wanted: Watermark, timeoutMs: number): Promise<boolean>
}

/** Asks the archive sink to close its ranges at a place, as a training does; resolves when they are published. */
export interface ArchiveCloser {
  /** @throws MillraceError DISK_FULL when there is no room for them, SINK_STOPPED when nobody will publish them any more */
  closeAt(watermark: Watermark): Promise<void>
}
