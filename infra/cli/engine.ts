// `engine …`: engines of apps, each registered from an engine.json.
import type { Command } from 'commander'
import { addCompareCommand } from './compare.ts'
import { readEngineFile } from './engine-file.ts'
import { type CommonOptions, withCommonOptions } from './options.ts'
import { info, printJson, table } from './output.ts'
import { run } from './run.ts'

interface EngineRow {
  readonly id: string
  readonly app: string
  readonly factory: string
  readonly isDefault: boolean
  readonly activeVersion: string | null
  readonly schedule: string | null
  /** ISO; null where no clock says. */
  readonly nextTraining: string | null
  /** Of a schedule by events. */
  readonly newEvents: number | null
}

export function addEngineCommands(root: Command): void {
  const engine = root.command('engine').description('engines and their parameters')
  withCommonOptions(engine.command('add <file>'))
    .description('register the engine of an engine.json, or its new revision')
    .option('--engine-id <id>', 'id in place of the one in the file')
    .action(add)
  withCommonOptions(engine.command('list')).description('list engines').action(list)
  withCommonOptions(engine.command('show <id>'))
    .description('one engine with its parameters')
    .action(show)
  withCommonOptions(engine.command('default <id>'))
    .description('the engine that answers /queries.json')
    .action(setDefault)
  withCommonOptions(engine.command('schedule <id>'))
    .description('train it without being asked; without an option: show when')
    .option('--cron <expression>', "at these minutes, five fields in UTC, such as '0 3 * * *'")
    .option('--every <duration>', 'so long after the last training began, such as 6h')
    .option('--after-events <n>', 'when so many events are new')
    .option('--off', 'only when asked')
    .action(schedule)
  addCompareCommand(engine)
  withCommonOptions(engine.command('remove <id>'))
    .description('remove an engine with its models')
    .action(remove)
}

async function add(file: string, options: CommonOptions & { engineId?: string }): Promise<void> {
  const args = { file, variant: await readEngineFile(file), engineId: options.engineId ?? null }
  const row = (await run(options, 'engine.add', args)) as unknown as EngineRow
  if (options.json) return printJson({ ...row })
  info('Engine$', `Engine ${row.id} of the app ${row.app} is registered.`)
}

const HEADER = ['engine', 'app', 'factory', '', 'active version', 'schedule', 'next training']

async function list(options: CommonOptions): Promise<void> {
  const rows = (await run(options, 'engine.list', {})) as unknown as EngineRow[]
  if (options.json) return printJson(rows as never)
  const cells = rows.map((r) => [
    r.id,
    r.app,
    r.factory,
    r.isDefault ? 'default' : '',
    r.activeVersion ?? 'never trained',
    r.schedule ?? '',
    nextText(r),
  ])
  process.stdout.write(`${table(HEADER, cells)}\n`)
}

async function show(id: string, options: CommonOptions): Promise<void> {
  const engine = await run(options, 'engine.show', { id })
  process.stdout.write(
    `${options.json ? JSON.stringify(engine) : JSON.stringify(engine, null, 2)}\n`,
  )
}

async function setDefault(id: string, options: CommonOptions): Promise<void> {
  const result = await run(options, 'engine.default', { id })
  if (options.json) return printJson(result)
  info('Engine$', `Engine ${id} answers /queries.json.`)
}

async function remove(id: string, options: CommonOptions): Promise<void> {
  const result = await run(options, 'engine.remove', { id })
  if (options.json) return printJson(result)
  info('Engine$', `Engine ${id} is removed.`)
}

interface ScheduleOptions extends CommonOptions {
  readonly cron?: string
  readonly every?: string
  readonly afterEvents?: string
  readonly off?: boolean
}

async function schedule(id: string, options: ScheduleOptions): Promise<void> {
  const { cron = null, every = null, afterEvents = null, off = false } = options
  const result = await run(options, 'engine.schedule', { id, cron, every, afterEvents, off })
  if (options.json) return printJson(result)
  const row = result as unknown as EngineRow
  if (row.schedule === null) info('Engine$', `Engine ${id} is trained only when asked.`)
  else info('Engine$', `Engine ${id} is trained ${row.schedule}; next: ${nextText(row)}.`)
}

/** When the next training is: a time, or how far the events are. */
function nextText({ schedule, nextTraining, newEvents }: EngineRow): string {
  if (schedule === null) return ''
  return nextTraining ?? `${newEvents ?? 0} events so far`
}
