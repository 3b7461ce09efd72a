// A job as BullMQ keeps it, and as the port shows it.
import { asMillraceError, MillraceError } from '#ports/errors'
import { JOB_CRASHES_MAX, type Job, type JobProgress, type JobState } from '#ports/job-queue'
import type { JobData, StoredJob } from './client.ts'

/** The reason of a job that somebody cancelled while it ran: BullMQ knows only done and failed. */
export const CANCELLED = 'cancelled'
/** BullMQ's reason for a job whose worker died too often. */
const STALLED = /stalled more than allowable limit/

/** BullMQ's states of jobs that wait: a job put back is `waiting`, whatever it was before. */
export const WAITING_STATES = ['waiting', 'prioritized', 'delayed'] as const

/** What BullMQ calls it, in the port's words; a job that is nowhere is not there. */
export function stateOf(state: string, failedReason: string | undefined): JobState | null {
  if (state === 'active') return 'running'
  if (state === 'completed') return 'done'
  if (state === 'failed') return failedReason === CANCELLED ? 'cancelled' : 'failed'
  return WAITING_STATES.some((known) => known === state) ? 'waiting' : null
}

export function isOver(state: JobState): boolean {
  return state !== 'waiting' && state !== 'running'
}

export function jobOf(stored: StoredJob, state: JobState): Job {
  const { data } = stored
  return {
    ...newJob(stored.id ?? '', stored.name, data),
    state,
    progress: typeof stored.progress === 'object' ? (stored.progress as JobProgress) : null,
    result: state === 'done' ? stored.returnvalue : null,
    error:
      state === 'failed' ? errorOf(stored) : isOver(state) ? null : (data.failed?.error ?? null),
    startedAt: stored.processedOn ?? null,
    endedAt: isOver(state) ? (stored.finishedOn ?? null) : null,
    attempts: stored.attemptsStarted,
    failures: data.failed?.count ?? 0,
    retryAt: state === 'waiting' ? (data.failed?.retryAt ?? null) : null,
    checkpoint: data.checkpoint,
  }
}

/** A job that nobody has started. */
export function newJob(id: string, name: string, data: JobData): Job {
  return {
    id,
    name,
    key: data.key,
    data: data.data,
    state: 'waiting',
    progress: null,
    result: null,
    error: null,
    createdAt: data.createdAt,
    startedAt: null,
    endedAt: null,
    attempts: 0,
    failures: 0,
    retryAt: null,
    checkpoint: null,
  }
}

/** What a failed job keeps as its reason. */
export function reasonOf(error: unknown): string {
  return JSON.stringify(asMillraceError(error))
}

function errorOf(stored: StoredJob): Job['error'] {
  const reason = stored.failedReason ?? ''
  if (STALLED.test(reason)) {
    const details = { job: stored.id ?? '', crashes: JOB_CRASHES_MAX }
    return new MillraceError('JOB_CRASHED', details).toJSON()
  }
  try {
    return JSON.parse(reason) as Job['error']
  } catch {
    return new MillraceError('INTERNAL', { reason }).toJSON()
  }
}
