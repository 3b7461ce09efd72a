// The batch engine on the calling thread: trains at once, and can be stopped only before and after.
import type { Archive } from '#ports/archive'
import type { BatchEngine } from '#ports/batch-engine'
import type { Clock } from '#ports/clock'
import { asMillraceError, MillraceError } from '#ports/errors'
import type { Models } from '#ports/models'
import { onThisThread } from '../../../batch/algorithms/correlate.ts'
import { newestModel } from '../../../batch/engines/newest-model.ts'
import { TRAINERS } from '../../../batch/engines/trainers.ts'

export interface MemoryBatchEngineOptions {
  readonly archive: Archive
  readonly models: Models
  readonly clock: Clock
}

export function createMemoryBatchEngine(options: MemoryBatchEngineOptions): BatchEngine {
  const { archive, models, clock } = options
  let closed = false
  return {
    async train(task, { signal, progress }) {
      const { engineId, versionId, factory, asOf, watermark } = task
      const check = (): void => {
        if (signal.aborted) throw new MillraceError('TRAINING_CANCELLED', { engine: engineId })
        if (!closed) return
        throw new MillraceError('TRAINING_FAILED', { engine: engineId, reason: 'it is closed' })
      }
      const told: typeof progress = (step) => {
        progress(step)
        check()
      }
      check()
      const trainer = TRAINERS[factory]
      if (trainer === undefined) {
        const reason = `there is no trainer for the engine ${factory}`
        throw new MillraceError('TRAINING_FAILED', { engine: engineId, reason })
      }
      const previous = () => newestModel(models, engineId)
      const deps = { archive, clock, correlate: onThisThread, progress: told, previous }
      const { model, counts, remarks, seconds } = await trainer(task, deps).catch(
        (error: unknown) => {
          throw asMillraceError(error)
        },
      )
      check()
      const trainedAt = clock.now()
      return models.write(
        { engineId, versionId, factory, trainedAt, asOf, watermark, counts, seconds, remarks },
        model,
      )
    },
    abandon: async () => {},
    placeOf: () => ({ name: 'this process', memoryBytes: null }),
    health: async () => ({ name: 'batch', status: 'ok', detail: 'In memory.' }),
    close: async () => {
      closed = true
    },
  }
}
