// Requests to close the archive's ranges, on their way to the thread of the archive sink and back.
import type { ArchiveCloser } from '#ports/watermarks'
import type { Watermark } from '#schemas/position'
import type { ToThread } from './streams-messages.ts'

export interface Closings extends ArchiveCloser {
  closed(id: number): void
  tell(say: (message: ToThread) => void): void
}

/** Requests to close the archive; a thread that takes over is told those that wait. */
export function createClosings(say: (message: ToThread) => void): Closings {
  const waiting = new Map<number, { readonly watermark: Watermark; readonly done: () => void }>()
  let next = 0
  return {
    closeAt: (watermark) =>
      new Promise((resolve) => {
        const id = next++
        waiting.set(id, { watermark, done: resolve })
        say({ type: 'close-at', id, watermark })
      }),
    closed: (id) => {
      waiting.get(id)?.done()
      waiting.delete(id)
    },
    tell: (sayToThread) => {
      for (const [id, { watermark }] of waiting) sayToThread({ type: 'close-at', id, watermark })
    },
  }
}
