// The folder of a cluster:
//   cluster.json      its servers and ports; the ports stay the same over stops, because servers write them into their data
//   millrace.toml     the platform's configuration for them
//   run/<process>     id and start time of each process that was started and not stopped
//   log/<process>.log standard output and error
//   <server>/         configuration and data of one server
//   data/             the platform's data folder
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ClusterError } from './cluster-error.ts'
import type { ProcessMark } from './process-table.ts'
import type { Ports, ServerName } from './server.ts'

export interface ClusterState {
  readonly servers: readonly ServerName[]
  readonly ports: Ports
  /** Of HBase on HDFS; 0: HBase is one process. */
  readonly regionServers: number
  /** Of Spark; 0: Spark is one process. */
  readonly sparkWorkers: number
  /** Folders of servers that may not be in this one: see serverFolder. */
  readonly folders: Readonly<Record<string, string>>
}

export interface ClusterFolder {
  readonly path: string
  readonly lockFile: string
  readonly tomlFile: string
  logFile(process: string): string
  readState(): Promise<ClusterState | null>
  writeState(state: ClusterState): Promise<void>
  readMark(process: string): Promise<ProcessMark | null>
  writeMark(process: string, mark: ProcessMark): Promise<void>
  removeMark(process: string): Promise<void>
  /** Names of the processes that were started and not stopped. */
  started(): Promise<string[]>
}

export function clusterFolder(path: string): ClusterFolder {
  const stateFile = join(path, 'cluster.json')
  const markFile = (process: string): string => join(path, 'run', process)
  return {
    path,
    lockFile: join(path, 'lock'),
    tomlFile: join(path, 'millrace.toml'),
    logFile: (process) => join(path, 'log', `${process}.log`),
    async readState() {
      const state = await readJson<ClusterState>(stateFile)
      // Clusters of before there were workers do not tell of them.
      return state === null ? null : { ...state, sparkWorkers: state.sparkWorkers ?? 0 }
    },
    writeState: (state) => writeWhole(stateFile, `${JSON.stringify(state, null, 2)}\n`),
    readMark: (process) => readJson<ProcessMark>(markFile(process)),
    async writeMark(process, mark) {
      await mkdir(join(path, 'run'), { recursive: true })
      await writeWhole(markFile(process), JSON.stringify(mark))
    },
    removeMark: (process) => rm(markFile(process), { force: true }),
    async started() {
      const names = await readdir(join(path, 'run')).catch(() => [])
      return names.filter((name) => !name.endsWith(PART))
    },
  }
}

/** @throws ClusterError not-there */
export async function stateOf(folder: ClusterFolder): Promise<ClusterState> {
  const state = await folder.readState()
  if (state === null) throw new ClusterError('not-there', { folder: folder.path })
  return state
}

const PART = '.part'

/** Writes a file that is there whole or not at all. */
export async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(`${file}${PART}`, text)
  await rename(`${file}${PART}`, file)
}

async function readJson<Value>(file: string): Promise<Value | null> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  return JSON.parse(text) as Value
}
