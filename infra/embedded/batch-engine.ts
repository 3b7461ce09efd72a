// The batch engine over worker threads: one thread a training, which may have helpers of its own. Trainings run niced and
// never on a thread that serves. What a thread must do (which file it starts with) is given from outside.
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { BatchEngine, TrainTask } from '#ports/batch-engine'
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

export interface WorkerBatchEngineOptions {
  /** The file a thread starts with. */
  readonly entry: URL
  /** Plain data for it. */
  readonly workerData: Readonly<Record<string, unknown>>
  /** Threads of one training at most; default: 2, or 1 on a machine with one core. */
  readonly threads?: number
}

export function createWorkerBatchEngine(options: WorkerBatchEngineOptions): BatchEngine {
  const threads = options.threads ?? Math.min(2, availableParallelism())
  const running = new Set<Worker>()
  return {
    train(task, { signal, progress }) {
      if (signal.aborted) {
        return Promise.reject(new MillraceError('TRAINING_CANCELLED', { engine: task.engineId }))
      }
      const data: TrainingThreadData = { role: 'train', task, threads }
      const worker = new Worker(options.entry, { workerData: { ...options.workerData, ...data } })
      running.add(worker)
      const ended = follow(worker, task.engineId, signal, progress)
      return ended.finally(() => {
        running.delete(worker)
      })
    },
    async health() {
      const count = running.size
      const detail = count === 0 ? 'No training runs.' : `${count} training(s) run.`
      return { name: 'batch', status: 'ok', detail }
    },
    async close() {
      await Promise.all([...running].map((worker) => worker.terminate()))
    },
  }
}

function follow(
  worker: Worker,
  engine: string,
  signal: AbortSignal,
  progress: (progress: JobProgress) => void,
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
    // Also ends its helpers. Only when all have gone may what they wrote be removed.
    await worker.terminate()
  })
}
