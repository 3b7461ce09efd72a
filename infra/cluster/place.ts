// Where each server of a cluster is set up, and as which user it runs.
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ClusterFolder, ClusterState } from './cluster-folder.ts'
import type { Place, Server, ServerProcess } from './server.ts'

/** `nobody`, on every distribution: the user of servers that refuse root. */
const NOBODY = 65_534
/** For servers of `nobody` when the cluster's own folder is closed to it. */
const OPEN_FOLDER = '/var/lib/millrace'

/** The user to run this server as, or undefined for our own. */
export function userOf(server: Server): number | undefined {
  return server.neverRoot && process.getuid?.() === 0 ? NOBODY : undefined
}

/** The folder of a server's configuration and data. */
export async function serverFolder(server: Server, cluster: string): Promise<string> {
  if (userOf(server) === undefined || (await isOpen(cluster))) return join(cluster, server.name)
  const key = createHash('sha256').update(cluster).digest('hex').slice(0, 12)
  return join(OPEN_FOLDER, `cluster-${key}`, server.name)
}

/** Whether every user may walk down to this folder. */
async function isOpen(folder: string): Promise<boolean> {
  for (let path = folder; ; path = dirname(path)) {
    const mode = await stat(path).then(
      (found) => found.mode,
      () => 0o755, // not there yet: we shall make it
    )
    if ((mode & 0o001) === 0) return false
    if (path === dirname(path)) return true
  }
}

/** The processes of a server as this cluster has it; without artefacts and Java, when they are only to be looked at. */
export function processesOf(
  server: Server,
  state: ClusterState,
  folder: ClusterFolder,
  found: Pick<Place, 'artefacts' | 'java'> = { artefacts: new Map(), java: '' },
): readonly ServerProcess[] {
  const own = state.folders[server.name] ?? join(folder.path, server.name)
  return server.processes({ folder: own, ports: state.ports, ...found })
}
