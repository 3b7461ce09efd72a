// What `status` shows: health of every part with a hint where it is not well, the engines, the jobs that run.
import { SINKS } from '#ports/watermarks'
import type { Json } from '#schemas/json'
import { figuresOf } from '../figures.ts'
import { healthParts } from '../health.ts'
import type { Platform } from '../platform.ts'
import { letterCounts } from './dead-letters.ts'
import { engineList } from './engines.ts'

const JOBS_SHOWN = 20

export async function status(platform: Platform): Promise<Json> {
  const { directory, freshness } = platform
  const figures = await figuresOf(platform)
  return {
    parts: (await healthParts(platform)).map((part) => ({ ...part })),
    apps: directory.state.apps.size,
    engines: await engineList(platform),
    log: { end: figures.end },
    freshness: Object.fromEntries(
      Object.entries(freshness.figures()).map(([sink, f]) => [sink, f && { ...f }]),
    ),
    deadLetters: await letterCounts(platform),
    sinks: Object.fromEntries(SINKS.map((sink) => [sink, { lag: figures.lag[sink] }])),
    jobs: figures.unfinished.slice(0, JOBS_SHOWN).map(({ id, name, key, state, progress }) => ({
      id,
      name,
      key,
      state,
      progress: progress === null ? null : { ...progress },
    })),
  }
}
