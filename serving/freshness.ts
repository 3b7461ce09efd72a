// Read your writes for queries: who sends the `millrace-position` of an acknowledgement gets an answer that knows of it.
import { MillraceError } from '#ports/errors'
import type { EventStore } from '#ports/event-store'
import type { Watermarks } from '#ports/watermarks'
import { covers, parsePositions, type Watermark, watermarkOf } from '#schemas/position'

export const POSITION_HEADER = 'millrace-position'

export interface Freshness {
  /**
   * True when store and index show what the header names, at the latest after `timeoutMs`; false when they do not yet.
   * @throws MillraceError PARAMETER_INVALID
   */
  reached(header: string, timeoutMs: number): boolean | Promise<boolean>
}

export function createFreshness(watermarks: Watermarks, store: EventStore): Freshness {
  async function wait(wanted: Watermark, timeoutMs: number): Promise<boolean> {
    const [stored, indexed] = await Promise.all([
      watermarks.waitFor('store', wanted, timeoutMs),
      watermarks.waitFor('index', wanted, timeoutMs),
    ])
    store.refresh()
    return stored && indexed
  }
  return {
    reached(header, timeoutMs) {
      const positions = parsePositions(header)
      if (positions === null) {
        const reason = 'it is not of the form generation/partition/offset,…'
        throw new MillraceError('PARAMETER_INVALID', { name: POSITION_HEADER, reason })
      }
      const stored = watermarks.applied('store')
      const wanted = watermarkOf(positions, stored.offsets.length)
      if (!covers(stored, wanted) || !covers(watermarks.applied('index'), wanted)) {
        return wait(wanted, timeoutMs)
      }
      store.refresh()
      return true
    },
  }
}
