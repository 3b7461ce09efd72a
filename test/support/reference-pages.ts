// The pages of the reference that are tables of what the code declares. `write-reference.ts` writes them; a test checks
// that they are what the code says.
import { ERRORS } from '#ports/errors'
import { METRICS } from '#ports/telemetry'
import { EVENT_RULES } from '#schemas/event-rule-texts'

export const WRITE_COMMAND = 'node test/support/write-reference.ts'

export interface ReferencePage {
  /** Path below the repository's root. */
  readonly path: string
  readonly text: string
}

const cell = (text: string): string =>
  text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ')
const code = (text: string): string => `\`${text}\``

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function errorsPage(): string {
  const errors = Object.entries(ERRORS).map(([name, { status, retryable, message, hint }]) => [
    code(name),
    String(status),
    retryable ? 'yes' : 'no',
    cell(message),
    cell(hint),
  ])
  const rules = EVENT_RULES.map(({ code: name, message, hint }) => [
    code(name),
    cell(message),
    cell(hint),
  ])
  return `# Errors

Every error has a code that never changes its meaning. Routes of PredictionIO answer with PredictionIO's body and put the
code into the header \`millrace-error\`; all other routes answer \`{"code", "message", "hint"}\`. Words in braces are filled in.
"Again" says whether the same request can succeed when it is sent again.

This page is written by \`${WRITE_COMMAND}\` from \`infra/ports/errors.ts\` and \`schemas/event-rule-texts.ts\`.

## Catalogue

${table(['Code', 'Status', 'Again', 'Message', 'Hint'], errors)}

## Rules for events

An event that breaks a rule is refused with status 400 (in a batch: that element alone), in an import or an inbox with the
same code. The rules are checked in this order; the first one broken is named. The texts are PredictionIO's, except for those
of our own limits: ids, types and names have at most 1,024 bytes of UTF-8, and \`properties\` at most 500 levels of
brackets and no number beyond a double's range.

${table(['Code', 'Message', 'Hint'], rules)}
`
}

function metricsPage(): string {
  const rows = Object.entries(METRICS).map(([name, { type, help, labels }]) => [
    code(name),
    type,
    labels.map(code).join(', '),
    cell(help),
  ])
  return `# Metrics

The console port answers \`GET /metrics\` in the Prometheus text format with these, and no others. Names that end in
\`_ms\` are milliseconds, in \`_seconds\` seconds.

This page is written by \`${WRITE_COMMAND}\` from \`infra/ports/telemetry.ts\`.

${table(['Name', 'Type', 'Labels', 'Meaning'], rows)}
`
}

export const REFERENCE_PAGES: readonly ReferencePage[] = [
  { path: 'docs/reference/errors.md', text: errorsPage() },
  { path: 'docs/reference/metrics.md', text: metricsPage() },
]
