// Telemetry of a running process: declared metrics in a Prometheus registry, log lines on standard error.

import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { systemClock } from '#ports/clock'
import { type LogLevel, METRICS, type MetricName, type Telemetry } from '#ports/telemetry'

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']
const BUCKETS_MS = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 60_000]

export interface ProcessTelemetry extends Telemetry {
  /** The metrics as Prometheus text. */
  exposition(): Promise<string>
}

export interface TelemetryOptions {
  /** Lines below this level are not written. */
  readonly level: LogLevel
  readonly write: (line: string) => void
  /** One JSON object a line instead of text for people. */
  readonly json: boolean
}

export function createTelemetry(options: TelemetryOptions): ProcessTelemetry {
  const registry = new Registry()
  const metrics = new Map<MetricName, Counter | Gauge | Histogram>()
  for (const [name, { type, help, labels }] of Object.entries(METRICS)) {
    const configuration = { name, help, labelNames: [...labels], registers: [registry] }
    const metric =
      type === 'counter'
        ? new Counter(configuration)
        : type === 'gauge'
          ? new Gauge(configuration)
          : new Histogram({ ...configuration, buckets: BUCKETS_MS })
    metrics.set(name as MetricName, metric)
  }
  const threshold = LEVELS.indexOf(options.level)
  return {
    emit: (name, value, labels) => {
      const metric = metrics.get(name)
      if (metric instanceof Counter) metric.inc(labels, value)
      else if (metric instanceof Gauge) metric.set(labels, value)
      else metric?.observe(labels, value)
    },
    log: (level, event, fields = {}) => {
      if (LEVELS.indexOf(level) < threshold) return
      const time = new Date(systemClock.now()).toISOString()
      options.write(
        options.json
          ? JSON.stringify({ time, level, event, ...fields })
          : `${time.slice(11, 23)} ${level.padEnd(5)} ${event}${readable(fields)}`,
      )
    },
    exposition: () => registry.metrics(),
  }
}

function readable(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('')
}
