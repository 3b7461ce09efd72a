// Binds `infra/cluster` to this machine: environment, clock, folders; its errors become those of the catalogue.
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { systemClock } from '#ports/clock'
import { type ErrorCode, MillraceError } from '#ports/errors'
import { ClusterError, type ClusterErrorKind } from '../cluster/cluster-error.ts'
import { down } from '../cluster/down.ts'
import type { Environment, Host, ServerName } from '../cluster/server.ts'
import {
  DEFAULT_SERVERS,
  REGION_SERVERS_MAX,
  SERVER_NAMES,
  SPARK_WORKERS_MAX,
} from '../cluster/servers.ts'
import { type ClusterStatus, status } from '../cluster/status.ts'
import { up } from '../cluster/up.ts'

export type { ClusterStatus }

/** Names that `--only` takes. */
export { SERVER_NAMES }

export interface Cluster {
  /** Starts what does not run and resolves when all is well. `only` empty: the usual servers. */
  up(options: {
    only: readonly string[]
    /** Of HBase on HDFS, a number from 1 on; null: as the cluster has it, at first HBase in one process. */
    regionServers: string | null
    /** Of Spark, a number from 1 on; null: as the cluster has it, at first Spark in one process. */
    sparkWorkers: string | null
    freePorts: boolean
  }): Promise<void>
  /** The state of all its processes, or of those of the servers in `only`. */
  status(only: readonly string[]): Promise<ClusterStatus>
  /** Stops all, or those of `only`. */
  down(only: readonly string[]): Promise<readonly { name: string; end: string }[]>
}

/**
 * The cluster whose folder this is.
 * @param say takes lines about progress
 */
export function clusterIn(data: string, say: (line: string) => void): Cluster {
  const folder = resolve(data)
  const host: Host = { environment: process.env, clock: systemClock, say }
  return {
    up: ({ only, regionServers, sparkWorkers, freePorts }) =>
      inCatalogue(async () => {
        checkPlatform()
        const servers = only.length > 0 ? namesOf(only) : DEFAULT_SERVERS
        const cache = cacheFolder(host.environment)
        const forms = {
          regionServers: countOf('--regionservers', 'HBase', regionServers, REGION_SERVERS_MAX),
          sparkWorkers: countOf('--spark-workers', 'Spark', sparkWorkers, SPARK_WORKERS_MAX),
        }
        await up({ folder, cache, servers, ...forms, freePorts }, host)
      }),
    status: (only) => inCatalogue(() => status(folder, namesOf(only))),
    down: (only) => inCatalogue(() => down(folder, namesOf(only), host)),
  }
}

function namesOf(names: readonly string[]): ServerName[] {
  return names.map((name) => {
    const found = SERVER_NAMES.find((known) => known === name)
    if (found !== undefined) return found
    const reason = `there is no server "${name}"; there are ${SERVER_NAMES.join(', ')}`
    throw new MillraceError('USAGE', { reason, command: 'cluster' })
  })
}

function countOf(option: string, server: string, text: string | null, max: number): number | null {
  if (text === null) return null
  const number = Number(text)
  if (Number.isInteger(number) && number >= 0 && number <= max) return number
  const reason = `${option} takes a number from 0 (${server} in one process) to ${max}`
  throw new MillraceError('USAGE', { reason, command: 'cluster' })
}

/** Folders of all users for root, because a server that refuses root must read it too. */
function cacheFolder(environment: Environment): string {
  if (process.getuid?.() === 0) return '/var/cache/millrace'
  return join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'millrace')
}

function checkPlatform(): void {
  if (process.platform === 'linux') return
  throw new ClusterError('tool-missing', {
    tool: 'Linux',
    reason: `this is ${process.platform}, and the servers' processes are watched by what Linux tells of them`,
    mend: 'Start the servers another way and name them in millrace.toml.',
  })
}

const CODES: Readonly<Record<ClusterErrorKind, ErrorCode>> = {
  'tool-missing': 'CLUSTER_TOOL_MISSING',
  'fetch-failed': 'CLUSTER_FETCH_FAILED',
  'checksum-wrong': 'CLUSTER_CHECKSUM_WRONG',
  'server-failed': 'CLUSTER_SERVER_FAILED',
  'not-there': 'CLUSTER_UNKNOWN',
  busy: 'CLUSTER_BUSY',
  'running-otherwise': 'CLUSTER_RUNNING_OTHERWISE',
}

async function inCatalogue<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error
    throw new MillraceError(CODES[error.kind], error.details, { cause: error })
  }
}
