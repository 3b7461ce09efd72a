// Requests to close the archive's ranges, on their way to the thread of the archive sink and back.
import { MillraceError } from '#ports/errors'
import type { ArchiveCloser } from '#ports/watermarks'
import type { Watermark } from '#schemas/position'
import type { ToThread } from './streams-messages.ts'

export interface Closings extends ArchiveCloser {
  /** The answer to a request; with an error when it will not be done. */
  closed(id: number, failure?: MillraceError): void
  tell(say: (message: ToThread) => void): void
  /** Those who wait are told; what is asked later is tried anew. */
  fail(error: MillraceError): void
  /** There is no thread any more, and none will take over: who waits and who asks from now on is told. */
  end(reason: string): void
}

interface Waiting {
  readonly watermark: Watermark
  readonly done: () => void
  readonly failed: (error: MillraceError) => void
}

/** Requests to close the archive; a thread that takes over is told those that wait. */
export function createClosings(say: (message: ToThread) => void): Closings {
  const waiting = new Map<number, Waiting>()
  let next = 0
  let ended: MillraceError | null = null
  const fail = (error: MillraceError): void => {
    for (const { failed } of waiting.values()) failed(error)
    waiting.clear()
  }
  return {
    closeAt: (watermark) =>
      new Promise((resolve, reject) => {
        if (ended !== null) return reject(ended)
        const id = next++
        waiting.set(id, { watermark, done: resolve, failed: reject })
        say({ type: 'close-at', id, watermark })
      }),
    closed: (id, failure) => {
      const request = waiting.get(id)
      if (failure === undefined) request?.done()
      else request?.failed(failure)
      waiting.delete(id)
    },
    tell: (sayToThread) => {
      for (const [id, { watermark }] of waiting) sayToThread({ type: 'close-at', id, watermark })
    },
    fail,
    end: (reason) => {
      ended = new MillraceError('SINK_STOPPED', { sink: 'archive', reason })
      fail(ended)
    },
  }
}
