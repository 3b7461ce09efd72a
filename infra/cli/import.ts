// `import`: a file of events, one JSON object a line, plain or gzip. The same command goes on with an import that was cut.
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { MillraceError } from '#ports/errors'
import { type CommonOptions, withCommonOptions } from './options.ts'
import { grouped, info, note, printJson } from './output.ts'
import { run } from './run.ts'

export interface TransferOptions extends CommonOptions {
  readonly appid?: string
  readonly app?: string
  readonly channel?: string
}

type ImportOptions = TransferOptions & { input: string }

export interface ImportResult {
  readonly lines: number
  readonly events: number
  readonly refused: number
  readonly rejected: string | null
}

export function addImportCommand(root: Command): void {
  withCommonOptions(root.command('import'))
    .description('import events from a file of JSON lines (plain or gzip)')
    .option('--appid <number>', 'number of the app')
    .option('--app <name>', 'name of the app')
    .requiredOption('--input <file>', 'the file')
    .option('--channel <name>', 'channel (default: the default channel)')
    .action(importFile)
}

/** Which app a transfer is about. @throws MillraceError USAGE */
export function appArgument(
  options: TransferOptions,
  command: string,
): { app: string } | { appId: number } {
  if (options.app !== undefined) return { app: options.app }
  if (options.appid !== undefined && /^\d+$/.test(options.appid))
    return { appId: Number(options.appid) }
  throw new MillraceError('USAGE', { reason: `--appid NUMBER or --app NAME is needed`, command })
}

async function importFile(options: ImportOptions): Promise<void> {
  const args = {
    ...appArgument(options, 'import'),
    input: resolve(options.input),
    channel: options.channel ?? null,
  }
  const result = (await run(options, 'import', args)) as unknown as ImportResult
  if (options.json) printJson({ ...result })
  else info('FileToEvents$', `Events are imported: ${result.events}.`)
  if (result.rejected === null) return
  note(`${grouped(result.refused)} of ${grouped(result.lines)} lines were refused`)
  throw new MillraceError('IMPORT_REFUSED_LINES', {
    refused: result.refused,
    lines: result.lines,
    file: result.rejected,
  })
}
