// A platform with the quickstart's data and model, as the query benches need it.
import { join } from 'node:path'
import { millraceJson, type RunningMillrace, startMillrace } from '../support/millrace-process.ts'
import { operate } from './admin.ts'

export interface QuickstartPlatform {
  readonly server: RunningMillrace
  readonly data: string
  readonly accessKey: string
}

export async function startQuickstart(
  folder: string,
  ends: { after(end: () => Promise<void>): void },
): Promise<QuickstartPlatform> {
  const data = join(folder, 'data')
  const ports = ['--event-port', '0', '--query-port', '0', '--console-port', '0']
  await millraceJson(['quickstart', '--exit', '--data', data, ...ports])
  const server = await startMillrace(data, ends)
  const [app] = await millraceJson<{ keys: { key: string }[] }[]>(['app', 'list', '--data', data])
  await operate(data, 'sync')
  return { server, data, accessKey: app?.keys[0]?.key ?? '' }
}
