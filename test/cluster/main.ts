// `npm run test:cluster [FOLDER [FILES]]`: every test of this folder, one file after another, against the servers of a cluster. That
// is the one of FOLDER (default ./.cluster) if all of it is well and it has what the tests need; else one of its own, in a temporary
// folder, which is stopped afterwards. Two clusters follow each other, because one machine has not the memory for both.

import { globSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { millrace } from '../support/millrace-process.ts'
import { runFiles, seconds } from '../support/run-files.ts'
import { CLUSTER_VARIABLE } from '../support/test-cluster.ts'

interface Group {
  readonly files: readonly string[]
  /** What `cluster up` needs to start all that its tests need. */
  readonly options: readonly string[]
  /** Of these servers something must run; any that are well will do when there are none. */
  readonly servers: readonly string[]
}

const DISTRIBUTED = 'test/cluster/distributed/'
const ALL_SERVERS = ['redis', 'kafka', 'elasticsearch', 'hdfs', 'hbase', 'spark']

const [given = './.cluster', ...patterns] = process.argv.slice(2)
const named = globSync(patterns.length > 0 ? patterns : ['test/cluster/**/*.test.ts']).sort()
const isDistributed = (file: string): boolean => file.startsWith(DISTRIBUTED)
const groups: readonly Group[] = [
  { files: named.filter((file) => !isDistributed(file)), options: [], servers: [] },
  {
    files: named.filter(isDistributed),
    options: ['--only', ALL_SERVERS.join(','), '--regionservers', '2'],
    servers: ['hdfs', 'spark'],
  },
]
if (named.length === 0) throw new Error('there are no test files')
for (const group of groups) {
  if (group.files.length > 0 && !(await runGroup(group))) process.exitCode = 1
}

async function runGroup(group: Group): Promise<boolean> {
  const started = performance.now()
  const cluster = await findOrStart(resolve(given), group)
  process.env[CLUSTER_VARIABLE] = join(cluster.folder, 'millrace.toml')
  say(`servers of ${cluster.folder} ready after ${seconds(performance.now() - started)}`)
  try {
    return await runFiles(group.files)
  } finally {
    if (cluster.own) await stop(cluster.folder)
  }
}

async function findOrStart(
  folder: string,
  { options, servers }: Group,
): Promise<{ folder: string; own: boolean }> {
  const found = await millrace(['cluster', 'status', '--data', folder, '--json'])
  if (found.code === 0 && hasAll(found.stdout, servers)) return { folder, own: false }
  const own = await mkdtemp(join(tmpdir(), 'millrace-cluster-'))
  say(`no cluster of ${folder} is well and has what is needed: starting one in ${own}`)
  const up = await millrace(['cluster', 'up', '--free-ports', '--data', own, ...options])
  if (up.code === 0) return { folder: own, own: true }
  await stop(own)
  throw new Error(`the servers could not be started:\n${up.stderr}`)
}

function hasAll(status: string, servers: readonly string[]): boolean {
  const { processes } = JSON.parse(status) as {
    processes: { server: string; state: string }[]
  }
  const running = new Set(
    processes.filter(({ state }) => state === 'healthy').map(({ server }) => server),
  )
  return servers.every((server) => running.has(server))
}

async function stop(folder: string): Promise<void> {
  await millrace(['cluster', 'down', '--data', folder])
  await rm(folder, { recursive: true, force: true })
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
