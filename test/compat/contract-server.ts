// An event server over the embedded log, directory and store, with the state that the recording begins with: app A with a key for
// all events, one for `view` and `like` and the channel `mobile`; app B; app C; no events.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '#ports/clock'
import type { Directory } from '#ports/directory'
import { silentTelemetry } from '#ports/telemetry'
import type { ControlChange } from '#schemas/directory'
import { createIdSource } from '#schemas/ids'
import { openDirectory } from '../../infra/embedded/directory.ts'
import { openEventStore } from '../../infra/embedded/event-store.ts'
import { openStoreWriter } from '../../infra/embedded/event-store-writer.ts'
import { openLogs } from '../../infra/embedded/logs.ts'
import { createIntake } from '../../ingest/intake.ts'
import { createEventServer } from '../../ingest/server.ts'
import { change, startStoreSink } from '../support/ingest-fixture.ts'

/** 24 characters each, as in the recording. */
const KEYS = {
  KEY_ALL: 'contract-key-all-0000000',
  KEY_VIEW: 'contract-key-view-000000',
  KEY_LIST: 'contract-key-list-000000',
  KEY_EMPTY: 'contract-key-empty-00000',
}

export interface ContractServer {
  readonly port: number
  readonly keys: typeof KEYS
  close(): Promise<void>
}

export async function openContractServer(): Promise<ContractServer> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-contract-'))
  const [clock, telemetry, ids] = [systemClock, silentTelemetry, createIdSource()]
  const logs = await openLogs({ path: join(folder, 'log'), clock, telemetry })
  const secretFile = join(folder, 'secret')
  const directory = await openDirectory({
    control: logs.control,
    secretFile,
    clock,
    telemetry,
    ids,
  })
  await fill(directory)
  const path = join(folder, 'store')
  const writer = await openStoreWriter({ path })
  const sink = startStoreSink(logs.events, async (records, upTo) => {
    await writer.apply(records, upTo)
  })
  const store = await openEventStore({ path })
  const { watermarks } = sink
  const intake = createIntake({ log: logs.events, store, watermarks, clock, telemetry, ids })
  const server = createEventServer({ directory, intake })
  const address = await server.listen({ host: '127.0.0.1', port: 0 })
  return {
    port: Number(new URL(address).port),
    keys: KEYS,
    async close() {
      await server.close()
      await sink.close()
      await store.close()
      await writer.close()
      await directory.close()
      await logs.close()
      await rm(folder, { recursive: true })
    },
  }
}

async function fill(directory: Directory): Promise<void> {
  const app = (id: number, name: string): ControlChange => ({
    type: 'app-created',
    app: { id, name, description: null },
  })
  const key = (appId: number, text: string, events: readonly string[]): ControlChange => ({
    type: 'key-created',
    key: { ...directory.sealKey(text), appId, events },
  })
  const changes: readonly ControlChange[] = [
    app(1, 'A'),
    app(2, 'B'),
    app(3, 'C'),
    key(1, KEYS.KEY_ALL, []),
    key(1, KEYS.KEY_VIEW, ['view', 'like']),
    key(2, KEYS.KEY_LIST, []),
    key(3, KEYS.KEY_EMPTY, []),
    { type: 'channel-created', channel: { id: 1, appId: 1, name: 'mobile' } },
  ]
  await change(directory, changes)
}
