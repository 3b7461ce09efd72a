// `npm run test:cluster [FOLDER]`: every test of this folder, one file after another, against the servers of a cluster. That is the
// one of FOLDER (default ./.cluster) if all of it is well; else one of its own, in a temporary folder, which is stopped afterwards.

import { globSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { millrace } from '../support/millrace-process.ts'
import { runFiles, seconds } from '../support/run-files.ts'
import { CLUSTER_VARIABLE } from '../support/test-cluster.ts'

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
  if (!(await runFiles(globSync(named).sort()))) process.exitCode = 1
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
