// Every metric and log line of the product is declared here, once, and emitted by name: what is not declared cannot be
// emitted, and the reference in docs/ is checked against this table.

export const METRICS = {
  millrace_events_accepted_total: { type: 'counter', help: 'Events acknowledged', labels: ['app'] },
  millrace_events_refused_total: {
    type: 'counter',
    help: 'Events refused by the rules, by code',
    labels: ['code'],
  },
  millrace_events_dropped_total: {
    type: 'counter',
    help: 'Good records the log did not take (answered 503), by code',
    labels: ['code'],
  },
  millrace_log_groups_total: {
    type: 'counter',
    help: 'Commit groups written to a log: events, control, dead-letters, schemas',
    labels: ['log'],
  },
  millrace_sink_applied_total: {
    type: 'counter',
    help: 'Records a sink has applied',
    labels: ['sink'],
  },
  millrace_sink_lag_records: {
    type: 'gauge',
    help: 'Records between the log end and what a sink has applied; of the archive, published',
    labels: ['sink'],
  },
  millrace_sink_failures_total: {
    type: 'counter',
    help: 'Batches a sink had to repeat',
    labels: ['sink'],
  },
  millrace_dead_letters_total: {
    type: 'counter',
    help: 'Records put into dead letters, by reason',
    labels: ['reason'],
  },
  millrace_freshness_ms: {
    type: 'histogram',
    help: 'Acknowledgement to effect of an event, milliseconds, of one append in a while',
    labels: ['sink'],
  },
  millrace_queries_total: {
    type: 'counter',
    help: 'Queries answered',
    labels: ['engine', 'status'],
  },
  millrace_query_ms: { type: 'histogram', help: 'Time to answer a query', labels: ['engine'] },
  millrace_query_degraded_total: {
    type: 'counter',
    help: 'Answers that lacked something, by what',
    labels: ['engine', 'lack'],
  },
  millrace_requests_in_flight: {
    type: 'gauge',
    help: 'Requests that a server is answering: event, query',
    labels: ['server'],
  },
  millrace_jobs: { type: 'gauge', help: 'Jobs that wait or run', labels: ['state'] },
  millrace_trainings_total: {
    type: 'counter',
    help: 'Trainings by outcome',
    labels: ['engine', 'outcome'],
  },
  millrace_training_seconds: {
    type: 'gauge',
    help: 'Duration of the last training',
    labels: ['engine'],
  },
} as const satisfies Record<string, MetricDeclaration>

interface MetricDeclaration {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
}

export type MetricName = keyof typeof METRICS
type Labels<M extends MetricName> = Readonly<Record<(typeof METRICS)[M]['labels'][number], string>>

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface Telemetry {
  /** Adds to a counter, sets a gauge, or observes a value of a histogram. */
  emit<M extends MetricName>(metric: M, value: number, labels: Labels<M>): void
  /** One structured line; `event` is a short kebab-case name, `fields` hold no secrets and no property values. */
  log(level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>): void
}

/** Swallows everything: the working inert set for tests and tools. */
export const silentTelemetry: Telemetry = {
  emit: () => {},
  log: () => {},
}
