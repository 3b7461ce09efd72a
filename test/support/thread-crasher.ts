// Loaded before everything else into every thread of a platform (`--import`): on SIGUSR2 the threads of its sinks end as
// by a defect, wherever they are between two steps; some of them, by chance.
import { BroadcastChannel, isMainThread, workerData } from 'node:worker_threads'

const channel = new BroadcastChannel('crash')
channel.unref()
if (isMainThread) process.on('SIGUSR2', () => channel.postMessage(Math.random()))
else if (workerData?.role === 'streams') {
  channel.onmessage = (event: unknown) => {
    const chance = (event as { readonly data: number }).data
    if (chance < 0.4 || chance < 0.7 === (workerData.sink === 'store')) throw new Error('planted')
  }
}
