// `train` on two million shop events from the call to live; then a start with events and model until ready.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { millraceJson, startMillrace } from '../support/millrace-process.ts'
import { withBenchFolder } from './bench-folder.ts'
import { cpuMs, memoryMb } from './process-figures.ts'
import type { Report } from './report.ts'
import { writeShop } from './shop-file.ts'

const ENGINE = {
  id: 'shop',
  engineFactory: 'universal',
  datasource: { params: { appName: 'shop', eventNames: ['purchase', 'view', 'add-to-cart'] } },
  algorithms: [
    {
      name: 'ur',
      params: {
        appName: 'shop',
        indicators: [{ name: 'purchase' }, { name: 'view' }, { name: 'add-to-cart' }],
      },
    },
  ],
}

export async function run(report: Report): Promise<void> {
  await withBenchFolder(async (folder, ends) => {
    const data = join(folder, 'data')
    const input = join(folder, 'shop.jsonl')
    const engine = join(folder, 'engine.json')
    await writeShop(input, ['--events', '2000000'])
    await writeFile(engine, JSON.stringify(ENGINE))
    await millraceJson(['app', 'new', 'shop', '--data', data])
    const server = await startMillrace(data, ends)
    await millraceJson(['import', '--app', 'shop', '--input', input, '--data', data])
    const cpu = cpuMs(server.pid)
    const { seconds } = await millraceJson<{ seconds: number }>([
      'train',
      '--variant',
      engine,
      '--data',
      data,
    ])
    report.add({
      name: 'train on 2 M shop events',
      value: `${seconds.toFixed(1)} s until live`,
      cost: `${((cpuMs(server.pid) - cpu) / 1000).toFixed(1)} CPU-s, VmHWM ${memoryMb('VmHWM', server.pid)} MB`,
      target: '< 12 s',
      reached: seconds < 12,
    })
    await server.stop()
    const again = await startMillrace(data, ends)
    report.add({
      name: 'start, 2 M events and a model',
      value: `${(again.readyMs / 1000).toFixed(2)} s until ready`,
      cost: `${(cpuMs(again.pid) / 1000).toFixed(1)} CPU-s, ${memoryMb('RssAnon', again.pid)} MB anon`,
      target: '< 5 s (asked for 1 M events)',
      reached: again.readyMs < 5000,
    })
    await again.kill()
    const killed = await startMillrace(data, ends)
    report.add({
      name: 'start after kill -9',
      value: `${(killed.readyMs / 1000).toFixed(2)} s until ready`,
      cost: `${(cpuMs(killed.pid) / 1000).toFixed(1)} CPU-s`,
      target: '< 5 s (asked for 1 M events)',
      reached: killed.readyMs < 5000,
    })
    await killed.stop()
  })
}
