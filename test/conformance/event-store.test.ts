import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEventStore } from '../../infra/embedded/event-store.ts'
import { openStoreWriter } from '../../infra/embedded/event-store-writer.ts'
import type { OpenStore, StoreFactory } from '../support/event-store-fixture.ts'
import {
  createMemoryEventStore,
  createMemoryEvents,
  createMemoryStoreWriter,
} from '../support/memory/event-store.ts'
import { eventStoreRandomSuite } from './event-store-random-suite.ts'
import { eventStoreSuite } from './event-store-suite.ts'

async function openEmbedded(path: string): Promise<OpenStore & { close(): Promise<void> }> {
  const writer = await openStoreWriter({ path })
  const store = await openEventStore({ path })
  const close = async (): Promise<void> => {
    await store.close()
    await writer.close()
  }
  return { writer, store, close, reopen: null }
}

const embedded: StoreFactory = {
  name: 'embedded',
  open: async (test) => {
    const path = await mkdtemp(join(tmpdir(), 'millrace-'))
    let opened = await openEmbedded(path)
    test.after(async () => {
      await opened.close()
      await rm(path, { recursive: true, force: true })
    })
    return {
      ...opened,
      reopen: async () => {
        await opened.close()
        opened = await openEmbedded(path)
        return opened
      },
    }
  },
}

eventStoreSuite(embedded)
eventStoreRandomSuite(embedded, 25)

eventStoreSuite({
  name: 'memory',
  open: async () => {
    const events = createMemoryEvents()
    const writer = createMemoryStoreWriter(events)
    return { writer, store: createMemoryEventStore(events), reopen: null }
  },
})
