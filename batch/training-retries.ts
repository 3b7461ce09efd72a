// Which trainings that failed are tried again: those that a server kept from going on. What is wrong in the parameters or the
// data, and what this machine has not room for, is as wrong a minute later.
import type { ErrorCode } from '#ports/errors'
import type { Retries } from '#ports/job-queue'

const PASSING: ReadonlySet<ErrorCode> = new Set([
  'INDEX_UNAVAILABLE',
  'LOG_UNAVAILABLE',
  'QUEUE_UNAVAILABLE',
  'SERVER_UNREACHABLE',
  'SPARK_LOST',
  'SPARK_UNREACHABLE',
])

/** 5, 10, 20, 40 and 80 s: a server that is started anew is back by then. Of a longer outage the next schedule makes up. */
export const TRAINING_RETRIES: Retries = {
  max: 5,
  pauseMs: 5000,
  isPassing: (code) => PASSING.has(code),
}
