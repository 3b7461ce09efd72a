// Durable events over HTTP with every sink live: single posts and batches of 50. The time until store and index sinks have
// applied the end and the archive has closed its ranges there counts.
import { join } from 'node:path'
import { millraceJson, startMillrace } from '../support/millrace-process.ts'
import { operate } from './admin.ts'
import { withBenchFolder } from './bench-folder.ts'
import { cpuMs, memoryMb } from './process-figures.ts'
import type { Report } from './report.ts'
import { load } from './wrk.ts'

const EVENT = `string.format('{"event":"view","entityType":"user","entityId":"user-%d","targetEntityType":"item","targetEntityId":"item-%d","properties":{"price":%d},"eventTime":"2026-11-02T10:20:30.123Z"}', math.random(1, 50000), math.random(1, 10000), math.random(1, 900))`

export async function run(report: Report): Promise<void> {
  await measure(report, {
    name: 'single POST, 64 connections',
    path: '/events.json',
    connections: 64,
    events: 1,
    body: `return ${EVENT}`,
    target: 15_000,
    p99: 20,
  })
  await measure(report, {
    name: 'batch of 50, 8 connections',
    path: '/batch/events.json',
    connections: 8,
    events: 50,
    body: `local t = {}; for i = 1, 50 do t[i] = ${EVENT} end; return "[" .. table.concat(t, ",") .. "]"`,
    target: 60_000,
    p99: Number.POSITIVE_INFINITY,
  })
}

interface Scenario {
  readonly name: string
  readonly path: string
  readonly connections: number
  /** Events a request. */
  readonly events: number
  readonly body: string
  readonly target: number
  readonly p99: number
}

async function measure(report: Report, scenario: Scenario): Promise<void> {
  await withBenchFolder(async (folder, ends) => {
    const data = join(folder, 'data')
    const { accessKey } = await millraceJson<{ accessKey: string }>([
      'app',
      'new',
      'shop',
      '--data',
      data,
    ])
    const server = await startMillrace(data, ends)
    const { connections, body, events } = scenario
    const path = `${scenario.path}?accessKey=${accessKey}`
    const one = { folder, url: server.event, path, connections, body }
    await load({ ...one, seconds: 2 })
    await operate(data, 'sync')
    const cpu = cpuMs(server.pid)
    const started = performance.now()
    const result = await load({ ...one, seconds: 8 })
    await operate(data, 'sync')
    const seconds = (performance.now() - started) / 1000
    const stored = result.requests * events
    const perSecond = stored / seconds
    const micros = ((cpuMs(server.pid) - cpu) * 1000) / stored
    const perAccepted = Math.round(result.perSecond * events)
    report.add({
      name: scenario.name,
      value: `${Math.round(perSecond)} events/s, p99 ${result.p99Ms.toFixed(1)} ms`,
      cost: `${micros.toFixed(1)} µs CPU an event, ${memoryMb('RssAnon', server.pid)} MB anon`,
      target: `>= ${scenario.target}; accepted ${perAccepted}/s; ${result.errors} errors`,
      reached: perSecond >= scenario.target && result.p99Ms < scenario.p99 && result.errors === 0,
    })
  })
}
