// What an append costs: CPU of the whole process a record, at several group sizes, over the embedded log and over the
// floor, a plain file with one write and one fdatasync a group. Both sides in one run.
//
//   node test/bench/log.ts [seconds a row]
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import { createCommitGroups } from '../../infra/embedded/commit-group.ts'
import { groupBytes, packGroup } from '../../infra/embedded/log-group.ts'
import { openLogs } from '../../infra/embedded/logs.ts'

const RECORD = Buffer.alloc(200, 'r')

interface Subject {
  readonly append: (values: readonly Uint8Array[]) => Promise<unknown>
  readonly groups: () => number
  readonly close: () => Promise<void>
}

async function openLog(path: string): Promise<Subject> {
  let groups = 0
  const telemetry = { ...silentTelemetry, emit: () => groups++ }
  const logs = await openLogs({ path, clock: systemClock, telemetry })
  return {
    append: (values) => logs.events.append(0, values),
    groups: () => groups,
    close: () => logs.close(),
  }
}

/** The same groups, written to a file that is long enough already. */
async function openFloor(path: string): Promise<Subject> {
  const file = await open(join(path, 'floor.log'), 'w')
  await file.write(Buffer.alloc(64 * 2 ** 20))
  await file.sync()
  const buffer = Buffer.allocUnsafeSlow(8 * 2 ** 20)
  let groups = 0
  let at = 0
  const commit = createCommitGroups({
    end: 0,
    write: async (_offset, values) => {
      const bytes = packGroup(values, buffer)
      if (at + bytes > 64 * 2 ** 20) at = 0
      await file.write(buffer, 0, groupBytes(values), at)
      await file.datasync()
      at += bytes
      groups++
    },
  })
  return {
    append: commit.append,
    groups: () => groups,
    close: async () => {
      await commit.close()
      await file.close()
    },
  }
}

interface Row {
  readonly perSecond: number
  readonly cpuPerRecord: number
  readonly perGroup: number
  readonly p50: number
  readonly p99: number
}

/** `writers` appends under way at any time, of `size` records each. */
async function measure(subject: Subject, writers: number, size: number, ms: number): Promise<Row> {
  const values = new Array<Buffer>(size).fill(RECORD)
  const latencies: number[] = []
  let stop = performance.now() + ms / 3
  const write = async (): Promise<void> => {
    while (performance.now() < stop) {
      const from = performance.now()
      await subject.append(values)
      latencies.push(performance.now() - from)
    }
  }
  const run = (): Promise<unknown> => Promise.all(Array.from({ length: writers }, write))
  await run()
  latencies.length = 0
  const groups = subject.groups()
  const cpu = process.cpuUsage()
  const from = performance.now()
  stop = from + ms
  await run()
  const seconds = (performance.now() - from) / 1000
  const used = process.cpuUsage(cpu)
  const records = latencies.length * size
  latencies.sort((a, b) => a - b)
  const at = (part: number): number => latencies[Math.floor(latencies.length * part)] ?? Number.NaN
  return {
    perSecond: records / seconds,
    cpuPerRecord: (used.user + used.system) / records,
    perGroup: records / (subject.groups() - groups),
    p50: at(0.5),
    p99: at(0.99),
  }
}

async function main(seconds: number): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-bench-log-'))
  const subjects = { floor: await openFloor(path), log: await openLog(join(path, 'log')) }
  console.log(
    'what   writers × records   records/s   µs CPU/record   records/group   p50 ms   p99 ms',
  )
  for (const [writers, size] of [
    [1, 1],
    [8, 1],
    [32, 1],
    [64, 1],
    [256, 1],
    [8, 50],
    [32, 500],
  ] as const) {
    for (const [name, subject] of Object.entries(subjects)) {
      const row = await measure(subject, writers, size, seconds * 1000)
      console.log(
        name.padEnd(7) +
          `${writers} × ${size}`.padStart(17) +
          row.perSecond.toFixed(0).padStart(12) +
          row.cpuPerRecord.toFixed(2).padStart(16) +
          row.perGroup.toFixed(1).padStart(16) +
          row.p50.toFixed(2).padStart(9) +
          row.p99.toFixed(2).padStart(9),
      )
    }
  }
  for (const subject of Object.values(subjects)) await subject.close()
  await rm(path, { recursive: true, force: true })
}

if (import.meta.main) await main(Number(process.argv[2] ?? 2))
