// `train`: trains an engine on everything acknowledged before the call; ends when the new version is live.

import type { Command } from 'commander'
import { MillraceError } from '#ports/errors'
import type { JsonObject } from '#schemas/json'
import { readEngineFile } from './engine-file.ts'
import { type CommonOptions, withCommonOptions } from './options.ts'
import { info, note, printJson } from './output.ts'
import { run } from './run.ts'

interface TrainOptions extends CommonOptions {
  readonly variant?: string
  readonly engineId?: string
  readonly asOf?: string
  readonly cancel?: boolean
}

export function addTrainCommand(root: Command): void {
  withCommonOptions(root.command('train'))
    .description('train an engine and make its new version live')
    .option(
      '-v, --variant <file>',
      'engine.json (default: ./engine.json, or the engine of --engine-id)',
    )
    .option('--engine-id <id>', 'engine id in place of the one in the file')
    .option('--as-of <time>', 'clock of windows and rankings, ISO 8601 (default: now)')
    .option('--cancel', 'cancel the training that runs')
    .action(train)
}

async function train(options: TrainOptions): Promise<void> {
  const args = await engineArguments(options)
  if (options.cancel) {
    const engineId = args.variant === undefined ? args.engineId : await registeredId(options, args)
    printJson(await run(options, 'train.cancel', { engineId: engineId ?? null }))
    return
  }
  const result = (await run(options, 'train', {
    ...args,
    asOf: instant(options.asOf),
  })) as JsonObject
  if (options.json) return printJson(result)
  if (Array.isArray(result.remarks)) for (const remark of result.remarks) note(String(remark))
  const seconds = Number(result.seconds).toFixed(1)
  note(
    `version ${String(result.versionId)} of ${String(result.engineId)} is live after ${seconds} s`,
  )
  info('CoreWorkflow$', 'Training completed successfully.')
}

async function registeredId(options: TrainOptions, args: JsonObject): Promise<string> {
  const engine = (await run(options, 'engine.add', args)) as { id: string }
  return engine.id
}

async function engineArguments(options: TrainOptions): Promise<JsonObject> {
  if (options.variant === undefined && options.engineId !== undefined)
    return { engineId: options.engineId }
  const file = options.variant ?? 'engine.json'
  return { file, variant: await readEngineFile(file), engineId: options.engineId ?? null }
}

function instant(text: string | undefined): number | null {
  if (text === undefined) return null
  const time = Date.parse(text)
  if (!Number.isNaN(time)) return time
  throw new MillraceError('USAGE', {
    reason: `--as-of ${text} is no ISO 8601 time`,
    command: 'train',
  })
}
