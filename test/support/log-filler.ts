// A process that fills a log under a file size limit (set by its parent), then has the limit lifted and goes on. Prints
// one JSON object.
import { once } from 'node:events'
import { systemClock } from '#ports/clock'
import { asMillraceError, type ErrorCode } from '#ports/errors'
import type { Telemetry } from '#ports/telemetry'
import { type EmbeddedLogs, openLogs } from '../../infra/embedded/logs.ts'
import { readAll } from '../conformance/log-suite.ts'

export interface FillReport {
  readonly accepted: number
  readonly refusals: readonly ErrorCode[]
  readonly healthWhenFull: string
  readonly healthAfter: string
  readonly recovered: boolean
  readonly records: number
  readonly readable: number
  readonly logged: readonly string[]
}

async function append(logs: EmbeddedLogs, log: 'events' | 'control'): Promise<ErrorCode | null> {
  try {
    await logs[log].append(0, [Buffer.alloc(50_000, 'x')])
    return null
  } catch (error) {
    return asMillraceError(error).code
  }
}

async function main(path: string): Promise<void> {
  // Without a handler the kernel ends a process that writes behind the limit.
  process.on('SIGXFSZ', () => {})
  const logged: string[] = []
  const telemetry: Telemetry = { emit: () => {}, log: (_level, event) => logged.push(event) }
  const logs = await openLogs({ path, clock: systemClock, telemetry })
  const refusals: ErrorCode[] = []
  let accepted = 0
  while (refusals.length === 0 && accepted < 1000) {
    const refusal = await append(logs, 'events')
    if (refusal) refusals.push(refusal)
    else accepted++
  }
  for (const log of ['events', 'control', 'events'] as const) {
    const refusal = await append(logs, log)
    if (refusal) refusals.push(refusal)
  }
  const healthWhenFull = (await logs.events.health()).status
  process.send?.('full')
  await once(process, 'message')
  const recovered = (await append(logs, 'events')) === null
  const report: FillReport = {
    accepted,
    refusals,
    healthWhenFull,
    healthAfter: (await logs.events.health()).status,
    recovered,
    records: await logs.events.end(0),
    readable: (await readAll(logs.events, { maxBytes: 1_000_000 })).length,
    logged,
  }
  await logs.close()
  process.send?.(report)
  process.disconnect()
}

if (import.meta.main) await main(process.argv[2] as string)
