// `export`: all events of an app as JSON lines in a new folder.
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { MillraceError } from '#ports/errors'
import { appArgument, type TransferOptions } from './import.ts'
import { withCommonOptions } from './options.ts'
import { info, printJson } from './output.ts'
import { run } from './run.ts'

type ExportOptions = TransferOptions & { output: string; format: string }

export function addExportCommand(root: Command): void {
  withCommonOptions(root.command('export'))
    .description('export the events of an app as JSON lines')
    .option('--appid <number>', 'number of the app')
    .option('--app <name>', 'name of the app')
    .requiredOption('--output <folder>', 'a folder that does not exist yet')
    .option('--channel <name>', 'channel (default: the default channel)')
    .option('--format <format>', 'json', 'json')
    .action(exportEvents)
}

async function exportEvents(options: ExportOptions): Promise<void> {
  if (options.format !== 'json') {
    const reason = `the format ${options.format} is not there; the archive in the data folder is Parquet already`
    throw new MillraceError('USAGE', { reason, command: 'export' })
  }
  const args = {
    ...appArgument(options, 'export'),
    output: resolve(options.output),
    channel: options.channel ?? null,
  }
  const result = (await run(options, 'export', args)) as { events: number; output: string }
  if (options.json) return printJson(result)
  info('EventsToFile$', `Events are exported to ${result.output}: ${result.events}.`)
}
