// Health of a platform: each part as it says itself, and what shows only from outside: sinks that fall behind, jobs that
// failed. Whatever is not well has a hint.
import type { Clock } from '#ports/clock'
import type { Job } from '#ports/job-queue'
import type { Health } from '#ports/lifecycle'
import { SINKS, type SinkName } from '#ports/watermarks'
import { type Figures, figuresOf } from './figures.ts'
import { FELT_SINKS } from './freshness-meter.ts'
import type { Platform } from './platform.ts'

/**
 * Records a sink may be behind before that is worth a look. An import lets the store sink be 100,000 behind; the archive
 * counts as behind until it closes its range, at 64 MB or after an hour.
 */
const LAG_HIGH: Readonly<Record<SinkName, number>> = {
  store: 200_000,
  index: 200_000,
  archive: 5_000_000,
}

/** A failed job is shown this long, unless a newer one of its kind went well. */
const FAILED_SHOWN_MS = 24 * 3_600_000

/**
 * Milliseconds that 99 of 100 events may take to their effect. Reads on the event server wait 5 s, then answer 503: who is
 * near that is told before.
 */
const FRESHNESS_SLOW_MS = 2000

/** Parts without which neither events nor queries can be answered. */
const NEEDED: ReadonlySet<string> = new Set(['log', 'directory', 'store', 'index'])

/** The worst of all. */
export function overall(parts: readonly Health[]): Health['status'] {
  if (parts.some(({ status }) => status === 'failed')) return 'failed'
  return parts.every(({ status }) => status === 'ok') ? 'ok' : 'degraded'
}

/** What keeps the platform from answering events and queries; none: it is ready. */
export function blocking(parts: readonly Health[]): readonly Health[] {
  return parts.filter(({ name, status }) => status === 'failed' && NEEDED.has(name))
}

/** Every part of the platform, and what is judged by figures. */
export async function healthParts(platform: Platform): Promise<readonly Health[]> {
  const [parts, figures] = await Promise.all([platform.health(), figuresOf(platform)])
  return [...parts, ...judged(figures, platform.clock)]
}

/** Parts that are judged by figures. */
function judged(figures: Figures, clock: Clock): readonly Health[] {
  return [lagHealth(figures), freshnessHealth(figures), jobsHealth(figures.failed, clock.now())]
}

function lagHealth({ lag }: Figures): Health {
  const name = 'lag'
  const behind = SINKS.map((sink) => `${sink} ${lag[sink]}`).join(', ')
  const high = SINKS.filter((sink) => lag[sink] > LAG_HIGH[sink])
  if (high.length === 0) {
    return { name, status: 'ok', detail: `Records behind: ${behind}.` }
  }
  const detail = `Far behind: ${high.map((sink) => `${sink} ${lag[sink]} records`).join(', ')}.`
  const hint =
    'If it shrinks, wait: more arrives than is applied, as in a large import. If it grows, see the streams part and the log of this process.'
  return { name, status: 'degraded', detail, hint }
}

function freshnessHealth({ freshness }: Figures): Health {
  const name = 'freshness'
  const measured = FELT_SINKS.flatMap((sink) => {
    const figures = freshness[sink]
    return figures === null ? [] : [{ sink, ...figures }]
  })
  if (measured.length === 0) {
    return { name, status: 'ok', detail: 'Nothing was acknowledged in the last 5 minutes.' }
  }
  const said = measured.map(
    ({ sink, p50, p99 }) => `${sink} p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
  )
  const detail = `From acknowledgement to effect, last 5 minutes: ${said.join('; ')}.`
  if (measured.every(({ p99 }) => p99 <= FRESHNESS_SLOW_MS)) return { name, status: 'ok', detail }
  const hint =
    'Answers know of new events late: more arrives than the sinks apply. See lag; spread large imports, or limit keys by admission.events-per-second.'
  return { name, status: 'degraded', detail, hint }
}

function jobsHealth(failed: readonly Job[], now: number): Health {
  const name = 'jobs'
  const [last] = failed.filter(({ endedAt }) => now - (endedAt ?? now) < FAILED_SHOWN_MS)
  if (last === undefined) return { name, status: 'ok', detail: 'None failed lately.' }
  const when = new Date(last.endedAt ?? now).toISOString()
  const reason = last.error?.message ?? 'no reason is known.'
  const what = last.name === 'train' ? `train ${last.key}` : last.name
  const detail = `The job ${last.id} (${what}) failed at ${when}: ${reason}`
  return { name, status: 'degraded', detail, hint: last.error?.hint ?? 'Run it again.' }
}
