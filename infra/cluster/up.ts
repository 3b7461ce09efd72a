// `cluster up`: fetches what is missing, starts what does not run, and waits until all is well. Servers start side by side; what
// ran already stays as it is.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { choosePorts } from './choose-ports.ts'
import { ClusterError } from './cluster-error.ts'
import {
  type ClusterFolder,
  type ClusterState,
  clusterFolder,
  writeWhole,
} from './cluster-folder.ts'
import { fetchArtefact } from './fetch-artefact.ts'
import { findJava } from './java.ts'
import { launch } from './launch.ts'
import { withLock } from './lock.ts'
import { millraceToml } from './millrace-toml.ts'
import { processesOf, serverFolder, userOf } from './place.ts'
import { isRunning } from './process-table.ts'
import type { Host, Place, Ports, Server, ServerName, ServerProcess } from './server.ts'
import { type Forms, serversOf } from './servers.ts'
import { shut } from './shut.ts'

/** Longest wait for another command on the same cluster. */
const BUSY_MS = 1000
const PORTS_MS = 60_000

export interface UpOptions {
  /** Absolute path of the cluster's folder. */
  readonly folder: string
  /** Absolute path of the folder that fetched artefacts are kept in. */
  readonly cache: string
  /** Servers to start; new ones become part of the cluster. */
  readonly servers: readonly ServerName[]
  /** Of HBase on HDFS, 0: HBase in one process; null: as the cluster has it. */
  readonly regionServers: number | null
  /** Of Spark, 0: Spark in one process; null: as the cluster has it. */
  readonly sparkWorkers: number | null
  /** Any free ports instead of the fixed ones, for servers that have none yet. */
  readonly freePorts: boolean
}

/**
 * Starts a cluster, or what of it does not run.
 * @throws ClusterError tool-missing, fetch-failed, checksum-wrong, server-failed, busy. What came up before stays up.
 */
export async function up(options: UpOptions, host: Host): Promise<void> {
  const folder = clusterFolder(options.folder)
  await mkdir(options.folder, { recursive: true })
  await withLock(folder.lockFile, BUSY_MS, host, async () => {
    const before = await folder.readState()
    const running = before === null ? [] : await runningServers(before, folder)
    const state = await stateFor(options, before, running, folder, host)
    const present = serversOf([...running, ...options.servers], state)
    await writeWhole(folder.tomlFile, millraceToml(present, state.ports, folder.path))
    await startAll(serversOf(options.servers, state), state, folder, options.cache, host)
  })
}

/** Servers that have a running process. */
async function runningServers(state: ClusterState, folder: ClusterFolder): Promise<ServerName[]> {
  const running: ServerName[] = []
  for (const server of serversOf(state.servers, state)) {
    for (const { name } of processesOf(server, state, folder)) {
      const mark = await folder.readMark(name)
      if (mark !== null && (await isRunning(mark))) running.push(server.name)
    }
  }
  return running
}

/** The cluster with its new servers, their ports and folders; written down before anything is started. */
async function stateFor(
  options: UpOptions,
  before: ClusterState | null,
  running: readonly ServerName[],
  folder: ClusterFolder,
  host: Host,
): Promise<ClusterState> {
  const names = [...new Set([...(before?.servers ?? []), ...options.servers])]
  const forms: Forms = {
    regionServers: countOf(
      { server: 'hbase', wanted: options.regionServers, parts: 'region servers' },
      { had: before?.regionServers ?? 0, running, servers: options.servers },
    ),
    sparkWorkers: countOf(
      { server: 'spark', wanted: options.sparkWorkers, parts: 'workers' },
      { had: before?.sparkWorkers ?? 0, running, servers: options.servers },
    ),
  }
  const servers = serversOf(names, forms)
  const wishes = {
    defaults: Object.assign({}, ...servers.map(({ ports }) => ports)) as Ports,
    own: before?.ports ?? {},
    inUse: new Set(serversOf(running, forms).flatMap(({ ports }) => Object.keys(ports))),
    free: options.freePorts,
  }
  return withLock(join(options.cache, 'ports.lock'), PORTS_MS, host, async () => {
    const ports = await choosePorts(wishes, join(options.cache, 'ports'), folder.path)
    const folders: Record<string, string> = { ...before?.folders }
    for (const server of servers) {
      folders[server.name] ??= await serverFolder(server, folder.path)
    }
    const state = { servers: servers.map(({ name }) => name), ports, ...forms, folders }
    await folder.writeState(state)
    return state
  })
}

/**
 * How many parts a server is to have.
 * @throws ClusterError running-otherwise: the two forms of a server have ports in common, and those of HBase cannot read each
 *   other's data
 */
function countOf(
  wish: {
    readonly server: ServerName
    readonly wanted: number | null
    readonly parts: string
  },
  cluster: {
    readonly had: number
    readonly running: readonly ServerName[]
    readonly servers: readonly ServerName[]
  },
): number {
  const { server, wanted, parts } = wish
  const { had, running, servers } = cluster
  if (wanted === null || wanted === had || !servers.includes(server)) return had
  if (!running.includes(server)) return wanted
  const form = had === 0 ? 'in one process' : `with ${had} ${parts}`
  throw new ClusterError('running-otherwise', { server, form })
}

async function startAll(
  servers: readonly Server[],
  state: ClusterState,
  folder: ClusterFolder,
  cache: string,
  host: Host,
): Promise<void> {
  const starts = new Map<string, Promise<void>>()
  for (const server of servers) {
    const fetched = foundFor(server, cache, host)
    for (const { name, after } of processesOf(server, state, folder)) {
      starts.set(
        name,
        fetched.then(async (found) => {
          await Promise.all(after.map((earlier) => starts.get(earlier)))
          const whole = processesOf(server, state, folder, found).find((one) => one.name === name)
          if (whole !== undefined) await startOne(whole, server, folder, host)
        }),
      )
    }
  }
  // All are awaited, also when one fails: nothing may go on behind a command that has ended.
  const ends = await Promise.allSettled(starts.values())
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}

/** What a server is started with. @throws ClusterError tool-missing, fetch-failed, checksum-wrong, busy */
async function foundFor(
  server: Server,
  cache: string,
  host: Host,
): Promise<Pick<Place, 'artefacts' | 'java'>> {
  const java = server.java === null ? '' : await findJava(server.java, host)
  const artefacts = new Map<string, string>()
  for (const artefact of server.artefacts) {
    artefacts.set(artefact.name, await fetchArtefact(artefact, cache, host))
  }
  return { java, artefacts }
}

async function startOne(
  process: ServerProcess,
  server: Server,
  folder: ClusterFolder,
  host: Host,
): Promise<void> {
  const mark = await folder.readMark(process.name)
  if (mark !== null && (await isRunning(mark))) {
    if (await process.healthy()) return
    host.say(`${process.name} runs but is not well: starting it again`)
    await shut(process, folder, host)
  }
  const started = host.clock.monotonic()
  await launch({ process, folder, uid: userOf(server), host })
  const seconds = (host.clock.monotonic() - started) / 1000
  host.say(`${process.name} is ready after ${seconds.toFixed(1)} s at ${process.address}`)
}
