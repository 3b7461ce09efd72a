// `replay`: rebuilds the event store from archive and log, compares it with the live one, and switches when asked to.
import type { Command } from 'commander'
import type { JsonObject } from '#schemas/json'
import { type CommonOptions, withCommonOptions } from './options.ts'
import { grouped, printJson } from './output.ts'
import { run } from './run.ts'

type ReplayOptions = CommonOptions & { switch?: boolean }

interface ReplayReport {
  readonly switched: boolean
  readonly pausedMs: number | null
  readonly seconds: number
  readonly records: { readonly fromArchive: number; readonly fromLog: number }
  readonly events: number
  readonly index:
    | { readonly items: number; readonly unsettled: number }
    | { readonly skipped: string }
  readonly differences: {
    readonly total: number
    readonly kinds: readonly {
      readonly kind: string
      readonly count: number
      readonly examples: readonly JsonObject[]
    }[]
  }
}

export function addReplayCommand(root: Command): void {
  withCommonOptions(root.command('replay'))
    .description('rebuild the event store from archive and log and compare it with the live one')
    .option('--switch', 'make the rebuilt one the live one, whatever differs')
    .addHelpText(
      'after',
      '\nIt also looks at the item index. Events go on meanwhile. It exits with 1 when something differs and it did not switch.',
    )
    .action(replay)
}

async function replay(options: ReplayOptions): Promise<void> {
  const result = await run(options, 'replay', { switch: options.switch === true })
  const report = result as unknown as ReplayReport
  if (options.json) printJson(result)
  else process.stdout.write(`${lines(report).join('\n')}\n`)
  if (report.differences.total > 0 && !report.switched) process.exitCode = 1
}

function lines({ records, events, seconds, index, differences, ...rest }: ReplayReport): string[] {
  const { fromArchive, fromLog } = records
  const read = fromArchive + fromLog
  const rate = seconds > 0 ? read / seconds : read
  const items =
    'skipped' in index
      ? `not compared: ${index.skipped}`
      : `${grouped(index.items)} items compared${index.unsettled > 0 ? `, ${grouped(index.unsettled)} changed all the time` : ''}`
  return [
    `rebuilt      ${grouped(read)} records, ${grouped(fromArchive)} of them from the archive, in ${seconds.toFixed(1)} s (${grouped(rate)} records/s)`,
    `event store  ${grouped(events)} events compared`,
    `item index   ${items}`,
    `differences  ${grouped(differences.total)}`,
    ...differences.kinds.flatMap(({ kind, count, examples }) => [
      `  ${kind} ${grouped(count)}`,
      ...examples.map((example) => `    ${JSON.stringify(example)}`),
    ]),
    rest.switched
      ? `switched     the rebuilt version is live; the store sink stood still for ${grouped(rest.pausedMs ?? 0)} ms`
      : differences.total === 0
        ? 'not switched the live version is as good'
        : 'not switched millrace replay --switch makes the rebuilt version the live one',
  ]
}
