// What the thread of a sink and the host say to each other. Small things only: records stay in the sink's thread.
import type { ErrorCode, ErrorDetails } from '#ports/errors'
import type { LogLevel, MetricName } from '#ports/telemetry'
import type { DeadLetter } from '#schemas/dead-letter'
import type { Watermark } from '#schemas/position'
import type { ItemTouches } from '../../streams/item-touches.ts'
import type { PipelineEnd } from '../../streams/pipeline.ts'
import type { FilesPlace } from './files-place.ts'
import type { LogSource } from './log-source.ts'
import type { StorePlace } from './store-place.ts'

export type ThreadSink = 'store' | 'archive'

/** What a sink's thread is started with. */
export interface StreamsThreadData {
  readonly role: 'streams'
  readonly sink: ThreadSink
  readonly log: LogSource
  /** Partitions to work on; null: all. */
  readonly partitions: readonly number[] | null
  readonly store: StorePlace
  readonly files: FilesPlace
}

export type ToThread =
  /** Events whose targets are items, by app; answered with `primary-set`. */
  | {
      readonly type: 'primary'
      readonly revision: number
      readonly apps: readonly (readonly [app: number, events: readonly string[]])[]
    }
  | { readonly type: 'close-at'; readonly id: number; readonly watermark: Watermark }
  /** Ends when nothing is left to read. */
  | { readonly type: 'drain' }
  /** Ends after the batch in hand. */
  | { readonly type: 'stop' }
  | { readonly type: 'buried'; readonly id: number; readonly failure: string | null }

export type FromThread =
  /** Everything below it was applied when the thread began. */
  | { readonly type: 'ready'; readonly applied: Watermark }
  /** Said before a batch is applied: what it touches. */
  | { readonly type: 'touching'; readonly touches: readonly ItemTouches[] }
  | {
      readonly type: 'applied'
      readonly applied: Watermark
      readonly records: number
    }
  | { readonly type: 'published'; readonly published: Watermark }
  | { readonly type: 'primary-set'; readonly revision: number }
  | {
      readonly type: 'closed-at'
      readonly id: number
      /** Why it will not be done. */
      readonly failure?: { readonly code: ErrorCode; readonly details: ErrorDetails }
    }
  /** Asks the host, who alone writes logs, to make a dead letter durable; answered with `buried`. */
  | { readonly type: 'bury'; readonly id: number; readonly letter: DeadLetter }
  | {
      readonly type: 'trouble'
      readonly trouble: {
        readonly code: ErrorCode
        readonly details: ErrorDetails
        readonly reason: string
        readonly hint: string
      } | null
    }
  | {
      readonly type: 'log'
      readonly level: LogLevel
      readonly event: string
      readonly fields: Readonly<Record<string, unknown>>
    }
  | {
      readonly type: 'metric'
      readonly metric: MetricName
      readonly value: number
      readonly labels: Readonly<Record<string, string>>
    }
  | { readonly type: 'ended'; readonly end: PipelineEnd }
