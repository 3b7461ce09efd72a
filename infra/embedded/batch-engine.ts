// The batch engine over worker threads: one thread a training, which may have helpers of its own. Trainings run niced and
// never on a thread that serves. What a thread must do (which file it starts with) is given from outside.
import { availableParallelism, totalmem } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { BatchEngine, TrainingPlace, TrainTask } from '#ports/batch-engine'
import { systemClock } from '#ports/clock'
import { type ErrorCode, type ErrorDetails, MillraceError } from '#ports/errors'
import type { JobProgress } from '#ports/job-queue'
import type { Manifest } from '#schemas/model'

/** What a training thread is given, beside what `workerData` of the options holds. */
export interface TrainingThreadData {
  readonly role: 'train'
  readonly task: TrainTask
  /** Threads to use, this one included. */
  readonly threads: number
}

/** What a training thread says. */
export type TrainingThreadMessage =
  | { readonly type: 'progress'; readonly progress: JobProgress }
  | { readonly type: 'done'; readonly manifest: Manifest }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly details: ErrorDetails }

/** What a training thread hears, when it has time to end by itself. */
export interface TrainingThreadOrder {
  readonly type: 'cancel'
}

export interface WorkerBatchEngineOptions {
  /** The file a thread starts with. */
  readonly entry: URL
  /** Plain data for it. */
  readonly workerData: Readonly<Record<string, unknown>>
  /** Threads of one training at most; default: 2, or 1 on a machine with one core. */
  readonly threads?: number
  /** A thread that is cancelled may take so long, milliseconds, to tell a server of it; default 0. */
  readonly stopMs?: number
  /** Where it trains; default: here. */
  readonly place?: TrainingPlace
  /** See the port; default: nothing outlives the process. */
  readonly abandon?: BatchEngine['abandon']
}

/** What the machine has, or the process' group where somebody limits it, without what this process holds already. */
function hereNow(): TrainingPlace {
  const constrained = process.constrainedMemory() || Number.POSITIVE_INFINITY
  const free = Math.min(totalmem(), constrained) - process.memoryUsage.rss()
  return { name: 'this process', memoryBytes: Math.max(free, 0) }
}

export function createWorkerBatchEngine(options: WorkerBatchEngineOptions): BatchEngine {
  const {
    threads = Math.min(2, availableParallelism()),
    stopMs = 0,
    place,
    abandon = async () => {},
  } = options
  const running = new Map<Worker, Promise<unknown>>()
  return {
    train(task, { signal, progress }) {
      if (signal.aborted) {
        return Promise.reject(new MillraceError('TRAINING_CANCELLED', { engine: task.engineId }))
      }
      const data: TrainingThreadData = { role: 'train', task, threads }
      const worker = new Worker(options.entry, { workerData: { ...options.workerData, ...data } })
      const ended = follow(worker, { engine: task.engineId, signal, progress, stopMs }).finally(
        () => {
          running.delete(worker)
        },
      )
      running.set(worker, ended)
      return ended
    },
    abandon,
    placeOf: () => place ?? hereNow(),
    async health() {
      const count = running.size
      const detail = count === 0 ? 'No training runs.' : `${count} training(s) run.`
      return { name: 'batch', status: 'ok', detail }
    },
    async close() {
      await Promise.all(
        Array.from(running, async ([worker, ended]) => {
          await stop(worker, stopMs)
          await ended.catch(() => {})
        }),
      )
    },
  }
}

/** Ends a thread and its helpers, after the time it may take to end by itself. */
async function stop(worker: Worker, stopMs: number): Promise<void> {
  if (stopMs > 0) {
    const order: TrainingThreadOrder = { type: 'cancel' }
    const gone = new Promise((resolve) => worker.once('exit', resolve))
    worker.postMessage(order)
    const late = new AbortController()
    await Promise.race([gone, systemClock.sleep(stopMs, late.signal)])
    late.abort()
  }
  await worker.terminate()
}

function follow(
  worker: Worker,
  {
    engine,
    signal,
    progress,
    stopMs,
  }: {
    readonly engine: string
    readonly signal: AbortSignal
    readonly progress: (progress: JobProgress) => void
    readonly stopMs: number
  },
): Promise<Manifest> {
  const { promise, resolve, reject } = Promise.withResolvers<Manifest>()
  const fail = (reason: string, cause?: unknown): void =>
    reject(new MillraceError('TRAINING_FAILED', { engine, reason }, { cause }))
  let said = false
  worker.on('message', (message: TrainingThreadMessage) => {
    switch (message.type) {
      case 'progress':
        return progress(message.progress)
      case 'done':
        said = true
        return resolve(message.manifest)
      case 'failed':
        said = true
        return reject(new MillraceError(message.code, message.details))
    }
  })
  worker.once('error', (error: unknown) => {
    fail(`its thread broke down: ${error instanceof Error ? error.message : String(error)}`, error)
  })
  worker.once('exit', (code) => {
    if (!said) fail(`its thread ended with code ${code}`)
  })
  const cancel = (): void => {
    reject(new MillraceError('TRAINING_CANCELLED', { engine }))
  }
  signal.addEventListener('abort', cancel, { once: true })
  return promise.finally(async () => {
    signal.removeEventListener('abort', cancel)
    // Only when all have gone may what they wrote be removed.
    await (signal.aborted ? stop(worker, stopMs) : worker.terminate())
  })
}
