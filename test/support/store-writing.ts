// Writes events into a store until it is told to stop, is killed or finds the disk full. As a worker it tells each
// watermark; as a process it prints it.
import { writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { MillraceError } from '#ports/errors'
import { createIdSource } from '#schemas/ids'
import { openStoreWriter } from '../../infra/embedded/event-store-writer.ts'
import { placed, setItem, viewOf } from './stream-records.ts'

const USERS = 500
const TIME = 1_700_000_000_000

/** Batches of views of many users, each batch with a `$set` of one item that counts the batches. */
export async function writeBatches(
  path: string,
  batches: number,
  size: number,
  told: (end: number) => void,
): Promise<string> {
  const writer = await openStoreWriter({ path })
  const newId = createIdSource()
  let at = (await writer.committed()).offsets[0] ?? 0
  try {
    for (let batch = 0; batch < batches; batch++) {
      const records = Array.from({ length: size }, (_, i) => {
        const eventTime = TIME + at + i
        const eventId = newId(eventTime)
        return i === 0
          ? setItem('counter', { batch: at / size }, { eventId, eventTime })
          : viewOf(`i${i}`, { eventId, eventTime, entityId: `u${((at + i) * 7919) % USERS}` })
      })
      await writer.apply(placed(records, at), { generation: 0, offsets: [at + size] })
      at += size
      told(at)
      if (batch % 10 === 9) await writer.flushed()
    }
    return 'done'
  } catch (error) {
    return error instanceof MillraceError ? error.code : String(error)
  } finally {
    await writer.close().catch(() => {})
  }
}

if (parentPort !== null && workerData?.storePath !== undefined) {
  const port = parentPort
  const { storePath, batches, size } = workerData
  port.postMessage({
    ended: await writeBatches(storePath, batches, size, (end) => port.postMessage({ end })),
  })
} else if (import.meta.main) {
  const [path = '', batches, size] = process.argv.slice(2)
  const ended = await writeBatches(path, Number(batches), Number(size), (end) =>
    writeSync(1, `${end}\n`),
  )
  writeSync(1, `${ended}\n`)
}
