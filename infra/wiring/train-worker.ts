// Where a thread of the batch engine starts.
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { SQL_TRAINERS, TRAINERS } from '../../batch/engines/trainers.ts'
import { runTrainingThread, type TrainData } from './training-thread.ts'

if (!isMainThread && parentPort !== null && workerData?.role === 'train') {
  runTrainingThread(parentPort, workerData as TrainData, { here: TRAINERS, sql: SQL_TRAINERS })
}
