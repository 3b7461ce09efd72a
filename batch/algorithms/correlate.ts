import { correlateByAcos } from './acos.ts'
import { correlateByLlr } from './cross-occurrence.ts'
import type { RowJob, RowRunner } from './row-job.ts'

/** What one thread does of a job: takes rows until there are none. */
export function correlate(job: RowJob, onRows?: (begun: number) => void): void {
  if (job.measure === 'llr') correlateByLlr(job, onRows)
  else correlateByAcos(job, onRows)
}

/** Runs a job on the calling thread alone. */
export const onThisThread: RowRunner = async (job, onRows) => correlate(job, onRows)
