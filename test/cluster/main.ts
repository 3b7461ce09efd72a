// `npm run test:cluster [FOLDER]`: every test of this folder, one file after another, against the servers of a cluster. That is the
// one of FOLDER (default ./.cluster) if all of it is well; else one of its own, in a temporary folder, which is stopped afterwards.

import { globSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { millrace } from '../support/millrace-process.ts'
import { CLUSTER_VARIABLE } from '../support/test-cluster.ts'

const TEST_MS = 30 * 60_000

const [given = './.cluster', ...patterns] = process.argv.slice(2)
const started = performance.now()
const cluster = await findOrStart(resolve(given))
process.env[CLUSTER_VARIABLE] = join(cluster.folder, 'millrace.toml')
say(`servers of ${cluster.folder} ready after ${seconds(performance.now() - started)}`)
try {
  await runAll()
} finally {
  if (cluster.own) {
    await millrace(['cluster', 'down', '--data', cluster.folder])
    await rm(cluster.folder, { recursive: true, force: true })
  }
}

async function findOrStart(folder: string): Promise<{ folder: string; own: boolean }> {
  const found = await millrace(['cluster', 'status', '--data', folder])
  if (found.code === 0) return { folder, own: false }
  const own = await mkdtemp(join(tmpdir(), 'millrace-cluster-'))
  say(`no cluster of ${folder} is well: starting one in ${own}`)
  const up = await millrace(['cluster', 'up', '--free-ports', '--data', own])
  if (up.code === 0) return { folder: own, own: true }
  await millrace(['cluster', 'down', '--data', own])
  throw new Error(`the servers could not be started:\n${up.stderr}`)
}

async function runAll(): Promise<void> {
  const named = patterns.length > 0 ? patterns : ['test/cluster/**/*.test.ts']
  const files = globSync(named).sort()
  if (files.length === 0) throw new Error(`no test is named ${named.join(', ')}`)
  const times = new Map<string, number>()
  const tests = run({ files, concurrency: 1, timeout: TEST_MS })
  // Each file is told as a test of its own, named by its path.
  tests.on('test:complete', ({ name, details }) => {
    const path = relative('.', name)
    if (files.includes(path)) times.set(path, details.duration_ms)
  })
  tests.on('test:fail', () => {
    process.exitCode = 1
  })
  await new Promise((ended) =>
    tests.compose(new spec()).on('end', ended).pipe(process.stdout, { end: false }),
  )
  for (const [file, ms] of times) say(`${seconds(ms).padStart(8)}  ${file}`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
