// `model …`: versions of trained engines.

import type { Command } from 'commander'
import type { JsonObject } from '#schemas/json'
import { type CommonOptions, withCommonOptions } from './options.ts'
import { info, printJson, table } from './output.ts'
import { run } from './run.ts'

export function addModelCommands(root: Command): void {
  const model = root.command('model').description('model versions')
  withCommonOptions(model.command('list [engine]')).description('list versions').action(list)
  withCommonOptions(model.command('rollback <engine>'))
    .description('make an older version live again')
    .option('--version-id <id>', 'which one (default: the one before)')
    .action(rollback)
}

async function list(engine: string | undefined, options: CommonOptions): Promise<void> {
  const rows = (await run(options, 'model.list', { engineId: engine ?? null })) as JsonObject[]
  if (options.json) return printJson(rows)
  const cells = rows.map((row) => [
    String(row.engine),
    String(row.version),
    String(row.status),
    new Date(Number(row.openedAt)).toISOString(),
    row.reason === null ? '' : String(row.reason),
  ])
  process.stdout.write(`${table(['engine', 'version', 'status', 'opened', 'reason'], cells)}\n`)
}

async function rollback(
  engine: string,
  options: CommonOptions & { versionId?: string },
): Promise<void> {
  const args = { engineId: engine, version: options.versionId ?? null }
  const result = (await run(options, 'model.rollback', args)) as JsonObject
  if (options.json) return printJson(result)
  info('Model$', `Version ${String(result.version)} of ${engine} is live.`)
}
