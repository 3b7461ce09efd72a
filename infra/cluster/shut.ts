// Stops processes one after another: asks, waits, and kills at the limit.
import type { ClusterFolder } from './cluster-folder.ts'
import { isRunning, type ProcessMark } from './process-table.ts'
import type { Host, ServerProcess } from './server.ts'

const LOOK_MS = 50
const KILL_MS = 10_000

export type Shut = 'stopped' | 'killed' | 'was not running'

/** Stops one process that this folder has a mark of, and forgets the mark. */
export async function shut(
  process: Pick<ServerProcess, 'name' | 'stopMs'>,
  folder: ClusterFolder,
  host: Host,
): Promise<Shut> {
  const mark = await folder.readMark(process.name)
  if (mark === null || !(await isRunning(mark))) {
    await folder.removeMark(process.name)
    return 'was not running'
  }
  let result: Shut = 'stopped'
  signal(mark, 'SIGTERM')
  if (!(await ended(mark, process.stopMs, host))) {
    result = 'killed'
    signal(mark, 'SIGKILL')
    await ended(mark, KILL_MS, host)
  }
  await folder.removeMark(process.name)
  return result
}

function signal({ pid }: ProcessMark, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function ended(mark: ProcessMark, limitMs: number, host: Host): Promise<boolean> {
  const deadline = host.clock.monotonic() + limitMs
  while (await isRunning(mark)) {
    if (host.clock.monotonic() > deadline) return false
    await host.clock.sleep(LOOK_MS)
  }
  return true
}
