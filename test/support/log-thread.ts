// A worker thread that reads the log until it has seen `count` records, and posts what it saw. Posts `open` first.
import { parentPort, workerData } from 'node:worker_threads'
import { type LogShare, openSharedLogReader } from '../../infra/embedded/log-reader.ts'

export interface LogThreadData {
  readonly share: LogShare
  readonly count: number
}

export interface LogThreadReport {
  readonly values: readonly string[]
}

async function main({ share, count }: LogThreadData): Promise<void> {
  const reader = await openSharedLogReader(share)
  parentPort?.postMessage('open')
  const signal = new AbortController().signal
  const values: string[] = []
  while (values.length < count) {
    const batch = await reader.read(0, values.length, 10_000)
    for (const { offset, value } of batch.records) {
      if (offset !== values.length) throw new Error(`offset ${offset} at ${values.length}`)
      values.push(Buffer.from(value).toString())
    }
    if (batch.records.length > 0) continue
    await reader.waitFor(0, values.length, signal)
  }
  parentPort?.postMessage({ values } satisfies LogThreadReport)
  await reader.close()
  parentPort?.close()
}

if (parentPort) {
  // Keeps the thread alive while it waits for nothing but the log.
  parentPort.on('message', () => {})
  await main(workerData as LogThreadData)
}
