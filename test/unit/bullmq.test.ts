// The parts of `infra/bullmq` that need no Redis.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MillraceError } from '#ports/errors'
import type { StoredJob } from '../../infra/bullmq/client.ts'
import { redisConfig } from '../../infra/bullmq/config.ts'
import { queueError, startError } from '../../infra/bullmq/errors.ts'
import { jobOf, reasonOf, stateOf } from '../../infra/bullmq/job-record.ts'

const STORED: StoredJob = {
  id: 'j',
  name: 'train',
  data: { key: 'k', data: { n: 1 }, createdAt: 5, checkpoint: { line: 2 }, request: 'r' },
  progress: 0,
  returnvalue: { sum: 3 },
  failedReason: '',
  processedOn: 6,
  finishedOn: 7,
  attemptsStarted: 2,
} as StoredJob

test('bullmq: an address has user, password and database, and its message has no password', () => {
  const config = redisConfig('redis://me:p%40ss@example.org:7000/2', 'millrace')
  assert.deepEqual(config, {
    host: 'example.org',
    port: 7000,
    user: 'me',
    password: 'p@ss',
    database: 2,
    prefix: 'millrace',
    address: 'example.org:7000',
  })
  const bare = redisConfig('redis://[::1]', 'p')
  assert.deepEqual(
    [bare.host, bare.port, bare.database, bare.password],
    ['::1', 6379, 0, undefined],
  )
  for (const url of ['redis://', 'http://host', 'redis://host/name']) {
    assert.throws(
      () => redisConfig(url, 'p'),
      (error: unknown) => error instanceof MillraceError && error.code === 'CONFIG_INVALID',
    )
  }
})

test('bullmq: a job is shown in the words of the port', () => {
  const done = jobOf(STORED, 'done')
  assert.deepEqual([done.result, done.error, done.progress], [{ sum: 3 }, null, null])
  assert.deepEqual([done.createdAt, done.startedAt, done.endedAt, done.attempts], [5, 6, 7, 2])
  const failedReason = reasonOf(new MillraceError('DISK_FULL', { what: 'x' }))
  assert.equal(jobOf({ ...STORED, failedReason }, 'failed').error?.code, 'DISK_FULL')
  const crashed = { ...STORED, failedReason: 'job stalled more than allowable limit' }
  assert.equal(jobOf(crashed, 'failed').error?.code, 'JOB_CRASHED')
  const foreign = { ...STORED, failedReason: 'no JSON' }
  assert.equal(jobOf(foreign, 'failed').error?.code, 'INTERNAL')
  assert.equal(jobOf(STORED, 'waiting').endedAt, null)
})

test('bullmq: its states are those of the port; what it does not know is no job', () => {
  const states = ['waiting', 'delayed', 'active', 'completed', 'failed', 'unknown']
  assert.deepEqual(
    states.map((state) => stateOf(state, 'why')),
    ['waiting', 'waiting', 'running', 'done', 'failed', null],
  )
  assert.equal(stateOf('failed', 'cancelled'), 'cancelled')
})

test('bullmq: errors of Redis are told apart', () => {
  const config = redisConfig('redis://host:1', 'p')
  const at = (message: string): string => startError(new Error(message), config).code
  assert.equal(at('WRONGPASS invalid username-password pair'), 'SERVER_REFUSED')
  assert.equal(at('connect ECONNREFUSED 127.0.0.1:1'), 'SERVER_UNREACHABLE')
  assert.equal(queueError(new Error('OOM command not allowed')).code, 'DISK_FULL')
  assert.equal(queueError(new Error('Command timed out')).code, 'QUEUE_UNAVAILABLE')
  const ours = new MillraceError('JOB_NOT_FOUND', { job: 'j' })
  assert.equal(queueError(ours), ours)
})
