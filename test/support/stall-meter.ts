// Loaded before a platform (`--import`): SIGUSR2 begins to measure how long its main thread keeps others waiting; what was
// measured is the last line of standard error when the process ends.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

const RESOLUTION_MS = 10

if (isMainThread) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  process.on('SIGUSR2', () => {
    delay.reset()
    delay.enable()
  })
  process.on('exit', () => {
    const ms = (nanoseconds: number): number => Math.round(nanoseconds / 1e6) - RESOLUTION_MS
    const stalls = {
      p50: ms(delay.percentile(50)),
      p99: ms(delay.percentile(99)),
      max: ms(delay.max),
    }
    process.stderr.write(`${JSON.stringify({ stalls })}\n`)
  })
}
