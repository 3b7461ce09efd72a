// `cluster`: the real servers on this machine, without containers, for development and tests.
import type { Command } from 'commander'
import type { Json } from '#schemas/json'
import { type ClusterStatus, clusterIn, SERVER_NAMES } from '../wiring/cluster.ts'
import { info, note, printJson, table } from './output.ts'

interface ClusterOptions {
  readonly data: string
  readonly only?: string
  readonly regionservers?: string
  readonly sparkWorkers?: string
  readonly freePorts?: boolean
  readonly json?: boolean
}

export function addClusterCommands(root: Command): void {
  const cluster = root
    .command('cluster')
    .description('the real servers on this machine, for development and tests')
  withClusterOptions(cluster.command('up'))
    .description('fetch and start the servers, and write the configuration for them')
    .option('--regionservers <n>', 'HBase on HDFS with so many region servers; 0: in one process')
    .option('--spark-workers <n>', 'Spark as a master and so many workers; 0: in one process')
    .option('--free-ports', 'any free ports instead of the fixed ones')
    .action(clusterUp)
  withClusterOptions(cluster.command('status'))
    .description('health and memory of each server')
    .action(clusterStatus)
  withClusterOptions(cluster.command('down'))
    .description('stop the servers; their data stays')
    .action(clusterDown)
}

function withClusterOptions(command: Command): Command {
  return command
    .option('--data <dir>', "the cluster's folder", './.cluster')
    .option('--only <servers>', `some of ${SERVER_NAMES.join(',')}`)
    .option('--json', 'print the result as JSON')
}

function only({ only: names = '' }: ClusterOptions): string[] {
  return names.split(',').filter((name) => name !== '')
}

async function clusterUp(options: ClusterOptions): Promise<void> {
  const cluster = clusterIn(options.data, note)
  await cluster.up({
    only: only(options),
    regionServers: options.regionservers ?? null,
    sparkWorkers: options.sparkWorkers ?? null,
    freePorts: options.freePorts === true,
  })
  print(await cluster.status(only(options)), options)
}

async function clusterStatus(options: ClusterOptions): Promise<void> {
  print(await clusterIn(options.data, note).status(only(options)), options)
}

/** Prints the state of the cluster; the exit code is 1 when a part of it is not well, or all was stopped. */
function print(status: ClusterStatus, options: ClusterOptions): void {
  const { processes } = status
  const unwell = processes.some(({ tail }) => tail !== null)
  if (unwell || !processes.some(({ state }) => state === 'healthy')) process.exitCode = 1
  if (options.json) {
    printJson(status as unknown as Json)
    return
  }
  const rows = processes.map(({ name, state, pid, residentBytes, address }) => [
    ...[name, state, pid === null ? '' : String(pid)],
    ...[`${Math.round(residentBytes / 1e6)} MB`, address],
  ])
  for (const line of table(['process', 'state', 'id', 'memory', 'address'], rows).split('\n')) {
    info('Cluster$', line)
  }
  const bytes = processes.reduce((sum, { residentBytes }) => sum + residentBytes, 0)
  info('Cluster$', `${Math.round(bytes / 1e6)} MB in all; configuration: ${status.config}`)
  for (const { name, state, log, tail } of processes) {
    if (tail === null) continue
    info('Cluster$', `${name} is ${state}; its log ${log} ends so:`, ...tail.split('\n'))
    info('Cluster$', 'Start it again: millrace cluster up')
  }
}

async function clusterDown(options: ClusterOptions): Promise<void> {
  const ends = await clusterIn(options.data, note).down(only(options))
  if (options.json) return printJson({ processes: ends } as unknown as Json)
  for (const { name, end } of ends) info('Cluster$', `${name} ${end}`)
}
