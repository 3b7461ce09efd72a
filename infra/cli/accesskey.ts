// `accesskey …`: PredictionIO's commands, options and output lines.
import type { Command } from 'commander'
import { allowed, type KeyRow } from './app.ts'
import { type CommonOptions, withCommonOptions } from './options.ts'
import { info, printJson } from './output.ts'
import { run } from './run.ts'

export function addAccessKeyCommands(root: Command): void {
  const keys = root.command('accesskey').description('access keys and the events they may send')
  withCommonOptions(keys.command('new <app> [events...]'))
    .description('create a key; without events it may send all')
    .option('--key <key>', 'text of the key (default: made at random)')
    .action(keyNew)
  withCommonOptions(keys.command('list [app]')).description('list keys').action(keyList)
  withCommonOptions(keys.command('delete <key>')).description('delete a key').action(keyDelete)
}

async function keyNew(
  app: string,
  events: string[],
  options: CommonOptions & { key?: string },
): Promise<void> {
  const made = (await run(options, 'accesskey.new', { app, events, key: options.key ?? null })) as {
    key: string
  }
  if (options.json) return printJson(made)
  info('AccessKey$', `Created new access key: ${made.key}`)
}

async function keyList(app: string | undefined, options: CommonOptions): Promise<void> {
  const keys = (await run(options, 'accesskey.list', { app: app ?? null })) as unknown as KeyRow[]
  if (options.json) return printJson(keys as never)
  info('AccessKey$', `${'Access Key(s)'.padStart(64)} | App ID | Allowed Event(s)`)
  for (const key of keys) {
    info(
      'AccessKey$',
      `${key.key.padStart(64)} | ${String(key.appId).padStart(6)} | ${allowed(key)}`,
    )
  }
  info('AccessKey$', `Finished listing ${keys.length} access key(s).`)
}

async function keyDelete(key: string, options: CommonOptions): Promise<void> {
  const gone = await run(options, 'accesskey.delete', { key })
  if (options.json) return printJson(gone)
  info('AccessKey$', `Deleted access key ${key}.`)
}
