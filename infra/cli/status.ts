// `status`: health of every part, with a hint for each that is not well.
import type { Command } from 'commander'
import { ownerOf } from '../wiring/owner.ts'
import { type CommonOptions, configOf, withCommonOptions } from './options.ts'
import { info, printJson } from './output.ts'
import { run } from './run.ts'

interface Status {
  readonly parts: readonly { name: string; status: string; detail: string; hint?: string }[]
  readonly engines: readonly { id: string; activeVersion: string | null }[]
  readonly sinks: Readonly<Record<string, { lag: number }>>
  readonly jobs: readonly {
    id: string
    name: string
    key: string
    state: string
    progress: { step: string; done: number; total: number } | null
  }[]
  readonly apps: number
  readonly log: { readonly end: number }
  readonly deadLetters: Readonly<Record<string, { letters: number; resent: number }>>
}

export function addStatusCommand(root: Command): void {
  withCommonOptions(root.command('status')).description('health of every part').action(status)
}

async function status(options: CommonOptions): Promise<void> {
  const owner = await ownerOf(configOf(options).data)
  const result = (await run(options, 'status', {})) as unknown as Status
  const healthy = result.parts.every((part) => part.status === 'ok')
  if (!healthy) process.exitCode = 1
  if (options.json) {
    const addresses =
      owner === null ? null : { event: owner.event, query: owner.query, console: owner.console }
    return printJson({ ...(result as object), addresses } as never)
  }
  if (owner === null)
    info('Management$', 'Millrace is not running; its data folder was opened for this look.')
  else
    info(
      'Management$',
      `Millrace runs as process ${owner.pid}: events ${owner.event}, queries ${owner.query}, console ${owner.console}`,
    )
  for (const { name, status: state, detail, hint } of result.parts) {
    info('Management$', `${state.padEnd(8)} ${name}: ${detail}`)
    if (hint !== undefined) info('Management$', `         ${hint}`)
  }
  const lags = Object.entries(result.sinks).map(([sink, { lag }]) => `${sink} ${lag}`)
  info(
    'Management$',
    `${result.apps} app(s), ${result.log.end} record(s) in the log; records behind: ${lags.join(', ')}`,
  )
  for (const [reason, { letters, resent }] of Object.entries(result.deadLetters)) {
    info('Management$', `dead letters ${reason}: ${letters}, of which ${resent} sent again`)
  }
  for (const { id, activeVersion } of result.engines) {
    info(
      'Management$',
      `engine ${id}: ${activeVersion === null ? 'never trained' : `version ${activeVersion} answers`}`,
    )
  }
  for (const { id, name, key, state, progress } of result.jobs) {
    const far = progress === null ? '' : ` (${progress.step} ${progress.done}/${progress.total})`
    info('Management$', `job ${id}: ${name} ${key} ${state}${far}`)
  }
  info(
    'Management$',
    healthy ? 'Your system is all ready to go.' : 'Something is not well: see above.',
  )
}
