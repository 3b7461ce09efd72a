// CPU and memory of a process from /proc: figures that hold when the machine is busy with other things.
import { readFileSync } from 'node:fs'

const TICKS_PER_SECOND = 100

/** CPU the process has used so far, all threads, milliseconds. */
export function cpuMs(pid: number | 'self' = 'self'): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND
}

export type MemoryKind = 'VmRSS' | 'VmHWM' | 'RssAnon'

/** Memory of the process in MB. */
export function memoryMb(kind: MemoryKind, pid: number | 'self' = 'self'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(new RegExp(`${kind}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024)
}

export function percentile(times: readonly number[], share: number): number {
  const sorted = Float64Array.from(times).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
