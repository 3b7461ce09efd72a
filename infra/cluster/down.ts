// `cluster down`: stops everything, what was started last first. The data stays.
import { clusterFolder, stateOf } from './cluster-folder.ts'
import { withLock } from './lock.ts'
import { processesOf } from './place.ts'
import type { Host, ServerName } from './server.ts'
import { serversOf } from './servers.ts'
import { type Shut, shut } from './shut.ts'

/** Longest wait for another command on the same cluster: one that starts servers ends by its own limits. */
const BUSY_MS = 1000

/**
 * Stops the servers, or only those named.
 * @returns what became of each process
 * @throws ClusterError not-there, busy
 */
export async function down(
  path: string,
  only: readonly ServerName[],
  host: Host,
): Promise<readonly { readonly name: string; readonly end: Shut }[]> {
  const folder = clusterFolder(path)
  await stateOf(folder)
  return withLock(folder.lockFile, BUSY_MS, host, async () => {
    const state = await stateOf(folder)
    const names = only.length === 0 ? state.servers : only
    const processes = serversOf(names, state).flatMap((server) =>
      processesOf(server, state, folder),
    )
    const ends: { name: string; end: Shut }[] = []
    for (const process of processes.toReversed()) {
      ends.push({ name: process.name, end: await shut(process, folder, host) })
    }
    return ends
  })
}
