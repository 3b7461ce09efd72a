// `import` of a million events, all sinks live; then a start on that folder.
import { join } from 'node:path'
import { millraceJson, startMillrace } from '../support/millrace-process.ts'
import { operate } from './admin.ts'
import { withBenchFolder } from './bench-folder.ts'
import { cpuMs } from './process-figures.ts'
import type { Report } from './report.ts'
import { writeShop } from './shop-file.ts'

export async function run(report: Report): Promise<void> {
  await withBenchFolder(async (folder, ends) => {
    const data = join(folder, 'data')
    const input = join(folder, 'shop.jsonl')
    await writeShop(input, ['--events', '1000000'])
    await millraceJson(['app', 'new', 'shop', '--data', data])
    const server = await startMillrace(data, ends)
    const cpu = cpuMs(server.pid)
    const started = performance.now()
    const { events } = await millraceJson<{ events: number }>([
      'import',
      '--app',
      'shop',
      '--input',
      input,
      '--data',
      data,
    ])
    await operate(data, 'sync')
    const seconds = (performance.now() - started) / 1000
    const perSecond = events / seconds
    report.add({
      name: 'import of 1 M events',
      value: `${Math.round(perSecond)} events/s (${seconds.toFixed(1)} s)`,
      cost: `${(((cpuMs(server.pid) - cpu) * 1000) / events).toFixed(1)} µs CPU an event`,
      target: '>= 40000',
      reached: perSecond >= 40_000,
    })
    await server.stop()
  })
}
