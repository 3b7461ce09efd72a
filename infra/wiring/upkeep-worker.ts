// Where the thread of the archive's upkeep starts: one upkeep, then it ends. It works for minutes on a large archive.
import { setPriority } from 'node:os'
import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '#ports/clock'
import { asMillraceError, type ErrorCode, type ErrorDetails } from '#ports/errors'
import { keepArchive, type Upkept } from '../archive/upkeep.ts'
import { type FilesPlace, openFilesAt } from './files-place.ts'

/** After everything else. */
const NICENESS = 15

/** What the thread is started with. */
export interface UpkeepThreadData {
  readonly role: 'upkeep'
  readonly filesPlace: FilesPlace
}

export type UpkeepAnswer =
  | { readonly type: 'done'; readonly upkept: Upkept }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly details: ErrorDetails }

async function run(port: MessagePort, { filesPlace }: UpkeepThreadData): Promise<void> {
  const say = (answer: UpkeepAnswer): void => port.postMessage(answer)
  const { signal } = new AbortController()
  try {
    const files = await openFilesAt(filesPlace, systemClock)
    say({ type: 'done', upkept: await keepArchive({ files, clock: systemClock, signal }) })
    await files.close()
  } catch (error) {
    const { code, details } = asMillraceError(error)
    say({ type: 'failed', code, details })
  }
}

if (!isMainThread && parentPort !== null && workerData?.role === 'upkeep') {
  setPriority(NICENESS)
  await run(parentPort, workerData as UpkeepThreadData)
}
