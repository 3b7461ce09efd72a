// `cluster status`: each process with its health, its memory, and the end of its log when it is not well.
import { type ClusterFolder, clusterFolder, stateOf } from './cluster-folder.ts'
import { logTail } from './log-tail.ts'
import { processesOf } from './place.ts'
import { isRunning, residentBytes } from './process-table.ts'
import type { ServerName, ServerProcess } from './server.ts'
import { serversOf } from './servers.ts'

export interface ProcessStatus {
  readonly name: string
  readonly server: string
  /** `ailing`: it runs and does not answer as it should. `crashed`: it was started, not stopped, and is gone. */
  readonly state: 'healthy' | 'ailing' | 'crashed' | 'stopped'
  readonly pid: number | null
  readonly address: string
  readonly residentBytes: number
  readonly log: string
  /** The last lines of its log, when it is ailing or crashed. */
  readonly tail: string | null
}

export interface ClusterStatus {
  readonly folder: string
  readonly config: string
  readonly processes: readonly ProcessStatus[]
}

/** The state of all its processes, or of those of some servers. @throws ClusterError not-there */
export async function status(path: string, only: readonly ServerName[]): Promise<ClusterStatus> {
  const folder = clusterFolder(path)
  const state = await stateOf(folder)
  const names = only.length > 0 ? only : state.servers
  const processes = serversOf(names, state).flatMap((server) =>
    processesOf(server, state, folder).map((process) => statusOf(process, server.name, folder)),
  )
  return { folder: path, config: folder.tomlFile, processes: await Promise.all(processes) }
}

async function statusOf(
  process: ServerProcess,
  server: string,
  folder: ClusterFolder,
): Promise<ProcessStatus> {
  const mark = await folder.readMark(process.name)
  const running = mark !== null && (await isRunning(mark))
  const log = folder.logFile(process.name)
  const state =
    mark === null
      ? 'stopped'
      : !running
        ? 'crashed'
        : (await process.healthy())
          ? 'healthy'
          : 'ailing'
  const unwell = state === 'crashed' || state === 'ailing'
  return {
    name: process.name,
    server,
    state,
    pid: running ? mark.pid : null,
    address: process.address,
    residentBytes: running ? await residentBytes(mark.pid) : 0,
    log,
    tail: unwell ? await logTail([log, ...process.logs]) : null,
  }
}
