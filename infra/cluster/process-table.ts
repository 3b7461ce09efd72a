// What the kernel knows of a process. A process is named by its id and its start time together, because ids are used again.
import { readFile } from 'node:fs/promises'

export interface ProcessMark {
  readonly pid: number
  /** Clock ticks since the machine's start at which the process began. */
  readonly started: string
}

/** The mark of a process that runs, or null; an ended one that its parent has not noticed does not run. */
export async function markOf(pid: number): Promise<ProcessMark | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The second field is the program's name in brackets, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, started] = [fields[0], fields[19]]
  return started === undefined || state === 'Z' || state === 'X' ? null : { pid, started }
}

/** Whether this very process runs still. */
export async function isRunning(mark: ProcessMark): Promise<boolean> {
  return (await markOf(mark.pid))?.started === mark.started
}

/** Resident memory in bytes; 0 for a process that has ended. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024
}
