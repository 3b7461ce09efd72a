// Health of a platform: each part as it says itself, and what shows only from outside: sinks that fall behind, jobs that
// failed. Whatever is not well has a hint.
import type { Clock } from '#ports/clock'
import type { Job } from '#ports/job-queue'
import type { Health } from '#ports/lifecycle'
import { SINKS, type SinkName } from '#ports/watermarks'
import { type Figures, figuresOf } from './figures.ts'
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
  return [lagHealth(figures), jobsHealth(figures.failed, clock.now())]
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
