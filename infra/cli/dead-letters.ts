// `dead-letters …`: records that were refused for good, with their reasons; mended and sent again.
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { MillraceError } from '#ports/errors'
import type { JsonObject } from '#schemas/json'
import { type CommonOptions, withCommonOptions } from './options.ts'
import { info, note, printJson, table } from './output.ts'
import { run } from './run.ts'

interface LetterRow {
  readonly offset: number
  readonly time: number
  readonly reason: string
  readonly message: string
  readonly sink: string
  readonly position: string
  readonly app: string | null
  readonly resent: { readonly time: number; readonly eventId: string } | null
}

interface LetterView extends LetterRow {
  readonly kind: string | null
  readonly event?: string
  readonly record?: string
  readonly unreadable?: string
  readonly bytes?: number
  readonly schemaId?: number | null
  readonly knownSchemas?: Readonly<Record<string, number>>
  readonly stored: string | null
  readonly differences: readonly { field: string; refused: unknown; stored: unknown }[]
}

type Counts = Readonly<Record<string, { readonly letters: number; readonly resent: number }>>

export function addDeadLetterCommands(root: Command): void {
  const letters = root
    .command('dead-letters')
    .description('records that were refused for good: look, mend, send again')
  withCommonOptions(letters.command('list'))
    .description('the newest dead letters')
    .option('--limit <number>', 'how many (default 20, at most 1000)')
    .option('--reason <code>', 'of this reason only')
    .action(list)
  withCommonOptions(letters.command('show <offset>'))
    .description('one dead letter: its event, and what speaks against it')
    .action(show)
  withCommonOptions(letters.command('resend <offset>'))
    .description('send the event of a dead letter again, under a new id')
    .option('--file <json>', 'the event, mended; an eventId in it is kept')
    .option('--app <name>', 'app of the event, where the record does not tell')
    .option('--channel <name>', 'channel of that app')
    .option('--again', 'also when it was sent again before')
    .action(resend)
}

/** @throws MillraceError USAGE */
function wholeNumber(text: string, what: string, command: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new MillraceError('USAGE', { reason: `${what} ${text} is no whole number`, command })
}

type ListOptions = CommonOptions & { limit?: string; reason?: string }

async function list(options: ListOptions): Promise<void> {
  const { limit } = options
  const result = (await run(options, 'dead-letters.list', {
    limit: limit === undefined ? null : wholeNumber(limit, '--limit', 'dead-letters list'),
    reason: options.reason ?? null,
  })) as unknown as { readonly counts: Counts; readonly letters: readonly LetterRow[] }
  if (options.json) return printJson(result as never)
  const cells = result.letters.map((row) => [
    String(row.offset),
    new Date(row.time).toISOString(),
    row.reason,
    row.sink,
    row.position,
    row.app ?? '?',
    row.resent === null ? '' : `as ${row.resent.eventId}`,
  ])
  const header = ['offset', 'time', 'reason', 'sink', 'position', 'app', 'sent again']
  process.stdout.write(`${table(header, cells)}\n`)
  for (const [reason, { letters, resent }] of Object.entries(result.counts)) {
    note(`${reason}: ${letters}, of which ${resent} sent again`)
  }
}

async function show(offset: string, options: CommonOptions): Promise<void> {
  const args = { offset: wholeNumber(offset, 'the offset', 'dead-letters show') }
  const view = (await run(options, 'dead-letters.show', args)) as unknown as LetterView
  if (options.json) return printJson(view as never)
  const lines = [
    `   Reason: ${view.reason}: ${view.message}`,
    `  Refused: ${new Date(view.time).toISOString()} by the ${view.sink} sink`,
    ` Position: ${view.position}`,
    `      App: ${view.app ?? '?'}`,
  ]
  if (view.event !== undefined) lines.push(`    Event: ${view.event}`)
  if (view.record !== undefined) lines.push(`   Record: ${view.record}`)
  if (view.unreadable !== undefined) lines.push(...unreadable(view))
  if (view.stored !== null) lines.push(`   Stored: ${view.stored}`)
  for (const { field, refused, stored } of view.differences) {
    lines.push(
      `  Differs: ${field} is ${JSON.stringify(refused)}, stored ${JSON.stringify(stored)}`,
    )
  }
  if (view.resent !== null) {
    const when = new Date(view.resent.time).toISOString()
    lines.push(`   Resent: ${when} as ${view.resent.eventId}`)
  }
  process.stdout.write(`${lines.join('\n')}\n`)
}

function unreadable({ unreadable: reason, bytes, schemaId, knownSchemas }: LetterView): string[] {
  const known = Object.entries(knownSchemas ?? {}).map(([kind, id]) => `${id} ${kind}`)
  return [
    `   Record: ${bytes} bytes that cannot be read: ${reason}`,
    `   Schema: ${schemaId ?? 'no frame'}; known are ${known.join(', ')}`,
  ]
}

type ResendOptions = CommonOptions & {
  file?: string
  app?: string
  channel?: string
  again?: boolean
}

async function resend(offset: string, options: ResendOptions): Promise<void> {
  const { file } = options
  const result = (await run(options, 'dead-letters.resend', {
    offset: wholeNumber(offset, 'the offset', 'dead-letters resend'),
    event: file === undefined ? null : await textOf(file),
    app: options.app ?? null,
    channel: options.channel ?? null,
    again: options.again === true,
  })) as JsonObject
  if (options.json) return printJson(result)
  info('DeadLetters$', `Dead letter ${offset} was sent again as event ${String(result.eventId)}.`)
}

/** @throws MillraceError FILE_NOT_FOUND */
async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new MillraceError('FILE_NOT_FOUND', { file }, { cause: error })
  }
}
