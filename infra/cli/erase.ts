// `erase`: removes one entity from an app and says what is left of it, where, and for how long.
import type { Command } from 'commander'
import { type CommonOptions, withCommonOptions } from './options.ts'
import { grouped, printJson } from './output.ts'
import { run } from './run.ts'

interface EraseOptions extends CommonOptions {
  readonly app: string
  readonly entityType: string
  readonly entityId: string
}

interface EraseReport {
  readonly erasedAt: string
  readonly positions: readonly { generation: number; partition: number; offset: number }[]
  readonly events: { readonly own: number; readonly asTarget: number }
  readonly archive: {
    readonly ranges: number
    readonly rows: number
    readonly goneBy: string | null
  }
  readonly log: { readonly goneBy: string | null }
  readonly models: readonly { engineId: string; version: string; status: string }[]
}

export function addEraseCommand(root: Command): void {
  withCommonOptions(root.command('erase'))
    .description('erase an entity: its events, and those that it is the target of')
    .requiredOption('--app <name>', 'name of the app; all its channels')
    .requiredOption('--entity-type <type>', 'such as user')
    .requiredOption('--entity-id <id>', 'its id')
    .action(erase)
}

async function erase(options: EraseOptions): Promise<void> {
  const { app, entityType, entityId } = options
  const result = await run(options, 'erase', { app, entityType, entityId })
  if (options.json) return printJson(result)
  const report = result as unknown as EraseReport
  process.stdout.write(`${lines(options, report).join('\n')}\n`)
}

function lines({ app, entityType, entityId }: EraseOptions, report: EraseReport): string[] {
  const { erasedAt, positions, events, archive, log, models } = report
  const places = positions.map((p) => `${p.generation}/${p.partition}/${p.offset}`).join(', ')
  const { own, asTarget } = events
  return [
    `Erasure of ${entityType} ${entityId} from the app ${app}, ${erasedAt}, log ${places}`,
    `event store  removed: ${grouped(own)} events of it, ${grouped(asTarget)} that it was the target of; freed pages of the file are written over by later events`,
    `item index   up to date: properties of it are gone`,
    `archive      hidden from exports and trainings; ${archiveLeft(archive)}`,
    `log          its records stand before these places${log.goneBy === null ? ', and stay: retention-days is 0' : ` until ${log.goneBy}`}`,
    models.length === 0
      ? 'models       none was trained before the erasure'
      : `models       trained before it, and kept until later trainings replace them: ${models.map((m) => `${m.engineId} ${m.version} (${m.status})`).join(', ')}`,
    'dead letters not searched: see millrace dead-letters list',
  ]
}

function archiveLeft({ ranges, rows, goneBy }: EraseReport['archive']): string {
  if (goneBy === null) return 'its rows are still in files, and are taken out within an hour'
  if (rows === 0) return 'no row of it was in a file'
  return `${grouped(rows)} rows are out of ${grouped(ranges)} ranges; the files before stay for who reads them, until ${goneBy}`
}
