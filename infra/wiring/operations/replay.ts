// `replay`: makes the event store anew from archive and log, beside the live one and while it goes on, says what differs, and
// changes over to the new one when asked to.
import type { Json, JsonObject } from '#schemas/json'
import type { Platform } from '../platform.ts'
import { flag } from './arguments.ts'
import type { OperationContext } from './operation.ts'

/** args: `switch`. Resolves when it is compared and, if asked for, the new version is live. */
export async function replay(
  { replays, clock }: Platform,
  args: JsonObject,
  context: OperationContext,
): Promise<Json> {
  const startedAt = clock.monotonic()
  const report = await replays.run({
    activate: flag(args, 'switch'),
    progress: (progress) => context.progress(progress),
    signal: context.signal,
  })
  const { version, activated, pausedMs, watermark, filled, events, differences, index } = report
  const { total, kinds } = differences
  return {
    version,
    switched: activated,
    pausedMs,
    seconds: (clock.monotonic() - startedAt) / 1000,
    watermark: { generation: watermark.generation, offsets: [...watermark.offsets] },
    records: { ...filled },
    events,
    index: { ...index },
    differences: {
      total,
      kinds: kinds.map(({ kind, count, examples }) => ({ kind, count, examples: [...examples] })),
    },
  }
}
