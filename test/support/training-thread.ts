// A thread of the batch engine that does what the task's description says, for tests of the engine around it.
import { parentPort, workerData } from 'node:worker_threads'
import type { TrainingThreadMessage } from '../../infra/embedded/batch-engine.ts'

const say = (message: TrainingThreadMessage): void => parentPort?.postMessage(message)
const { task, threads, note } = workerData
say({ type: 'progress', progress: { step: note, done: 1, total: threads, unit: 'rows' } })

switch (task.appName) {
  case 'trains': {
    const { engineId, versionId, factory, watermark, asOf } = task
    const manifest = { format: 1, engineId, versionId, factory, watermark, asOf } as const
    say({
      type: 'done',
      manifest: { ...manifest, trainedAt: 1, counts: {}, seconds: {}, artefacts: [] },
    })
    break
  }
  case 'has no events':
    say({
      type: 'failed',
      code: 'TRAINING_NO_EVENTS',
      details: { app: 'shop', event: 'buy', engine: 'shop', reason: 'it has view' },
    })
    break
  case 'throws':
    throw new Error('broken on purpose')
  case 'exits':
    process.exit(3)
    break
  case 'hangs':
    setInterval(() => {}, 1000)
    break
  case 'spins':
    for (;;);
}
