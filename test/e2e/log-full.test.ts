// A disk that fills up, played by a file size limit: the log refuses with LOG_FULL, loses nothing, and goes on by itself
// as soon as there is room.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { FillReport } from '../support/log-filler.ts'

const LIMIT_KIB = 4000

test('log: a full disk is LOG_FULL, and over when there is room', async (t) => {
  const path = await mkdtemp(join(tmpdir(), 'millrace-log-full-'))
  t.after(() => rm(path, { recursive: true, force: true }))
  const script = new URL('../support/log-filler.ts', import.meta.url).pathname
  const command = `ulimit -S -f ${LIMIT_KIB} && exec "$0" "$@"`
  const child = spawn('bash', ['-c', command, process.execPath, script, path], {
    // lmdb prints each failed commit to standard error.
    stdio: ['ignore', 'inherit', 'ignore', 'ipc'],
  })
  t.after(() => child.kill('SIGKILL'))
  assert.deepEqual(await once(child, 'message'), ['full', undefined])
  execFileSync('prlimit', ['--fsize=unlimited', `--pid=${child.pid}`])
  child.send('go on')
  const [report] = (await once(child, 'message')) as [FillReport, unknown]
  assert.deepEqual(report, {
    accepted: report.accepted,
    refusals: ['LOG_FULL', 'LOG_FULL', 'LOG_FULL', 'LOG_FULL'],
    healthWhenFull: 'failed',
    healthAfter: 'ok',
    recovered: true,
    records: report.accepted + 1,
    readable: report.accepted + 1,
    logged: ['log-write-failed', 'log-write-failed', 'log-write-recovered'],
  })
  assert.ok(report.accepted > 50)
})
