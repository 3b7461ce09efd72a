// The pages of the reference that are tables of what the code declares. `write-reference.ts` writes them; a test checks
// that they are what the code says.
import { ERRORS } from '#ports/errors'
import { METRICS } from '#ports/telemetry'
import { EVENT_RULES } from '#schemas/event-rule-texts'
import { SETTINGS } from '../../infra/wiring/config.ts'
import { commandsPage } from './commands-page.ts'
import { cell, code, table } from './markdown.ts'

export const WRITE_COMMAND = 'node test/support/write-reference.ts'

export interface ReferencePage {
  /** Path below the repository's root. */
  readonly path: string
  readonly text: string
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

function settingsPage(): string {
  const rows = SETTINGS.map(({ key, kind, fallback, help }) => [
    code(key),
    kind,
    code(String(fallback)),
    code(`MILLRACE_${key.toUpperCase().replace(/[.-]/g, '_')}`),
    cell(help),
  ])
  return `# Settings

In a file (\`--config millrace.toml\`), in the environment, or as a flag where there is one; later ones win: defaults, file, environment, flags.
A name that is unknown is an error that names the nearest known one.

    data = "./shop-data"
    query-port = 9090

    [serving]
    harness = true

${table(['Name', 'Kind', 'Default', 'Environment', 'What'], rows)}

An engine may be trained elsewhere than the others (in the file only):

    [engines.shop-universal]
    batch = "sc://spark:15002"

With \`sc://\` Spark reads and writes the files itself: at \`hdfs://\` over WebHDFS, as the user that \`HADOOP_USER_NAME\` of its server
names, which should be the user of the setting \`files\` (\`millrace\`); at \`file:///\` on a disk that both see; at \`file:\` only on this machine.

\`MILLRACE_LOG_LEVEL\` (\`debug\`, \`info\`, \`warn\`, \`error\`) says which lines the process logs.

## Ports

| Port | Answers |
| --- | --- |
| events, 7070 | PredictionIO's event routes, [webhooks](webhooks.md); \`GET /\` when it is ready |
| queries, 8000 | [queries](queries.md), with \`serving.harness\` [Harness' calls](harness.md); \`GET /\` when it is ready |
| console, 9000 | \`GET /alive\`: the process answers. \`GET /ready\`: events and queries can be answered (200 or 503). \`GET /health\`: every part, with a hint where it is not well (503 when one has failed). \`GET /metrics\`: [metrics](metrics.md) |

This page is written by \`${WRITE_COMMAND}\` from \`infra/wiring/config.ts\`.
`
}

export const REFERENCE_PAGES: readonly ReferencePage[] = [
  { path: 'docs/reference/errors.md', text: errorsPage() },
  { path: 'docs/reference/metrics.md', text: metricsPage() },
  { path: 'docs/reference/commands.md', text: commandsPage(WRITE_COMMAND) },
  { path: 'docs/reference/settings.md', text: settingsPage() },
]
