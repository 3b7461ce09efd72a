// The hot read of a query: a user's newest targets of each indicator, answered from the lists alone.
import type { HistoryEvent, HistoryRequest } from '#ports/event-store'
import { readBody } from './body.ts'
import { entityHashes, keyOf, listKey, ROW_BYTES, rowTime } from './keys.ts'
import { listPages } from './lists.ts'
import { entryTarget, hasOlder, nextEntry } from './page.ts'
import type { Reading } from './reading.ts'

export function readHistory(reading: Reading, request: HistoryRequest): HistoryEvent[] {
  const { tables, texts } = reading
  const found: HistoryEvent[] = []
  const tenant = reading.tenant(request.app, request.channel)
  if (tenant === null) return found
  const hashes = entityHashes(request.entityType, request.entityId)
  for (const { event, limit } of request.events) {
    const name = texts.find(event)
    if (name === 0 || limit <= 0) continue
    const list = listKey(tenant, hashes, name)
    const newest = tables.pages.getBinary(list)
    if (newest === undefined) continue
    const end = found.length + limit
    readPage(reading, tenant, event, newest, found, end)
    if (found.length === end || !hasOlder(newest)) continue
    let isFirst = true
    for (const page of listPages(tables.pages, list, false)) {
      if (!isFirst) readPage(reading, tenant, event, page, found, end)
      isFirst = false
      if (found.length === end) break
    }
  }
  return found
}

function readPage(
  { tables, texts }: Reading,
  tenant: number,
  event: string,
  page: Buffer,
  found: HistoryEvent[],
  end: number,
): void {
  for (let at = 1; at < page.length && found.length < end; at = nextEntry(page, at)) {
    let target = entryTarget(page, at)
    if (target === undefined) {
      const row = page.subarray(at, at + ROW_BYTES)
      const body = tables.events.get(keyOf(tenant, row))
      target = body === undefined ? null : readBody(body, texts, row, 0).event.targetEntityId
    }
    if (target !== null) found.push({ event, targetEntityId: target, eventTime: rowTime(page, at) })
  }
}
