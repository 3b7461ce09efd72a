// What the quickstart measures on the running platform, over HTTP as an application would.
import { systemClock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { Client, Reply } from './http.ts'

export interface Target {
  readonly client: Client
  readonly eventUrl: string
  readonly queryUrl: string
}

export interface Recommendation {
  readonly item: string
  readonly score: number
  readonly explanation?: {
    readonly reason: string
    readonly evidence: readonly {
      readonly id: string
      readonly weight: number
      readonly eventTime?: string
    }[]
  }
}

/** Recommendations of a query. @throws MillraceError INTERNAL when the query server answers anything but 200 */
export async function recommendations(
  { client, queryUrl }: Target,
  query: object,
  position?: string,
): Promise<readonly Recommendation[]> {
  const reply = await client.post(
    queryUrl,
    query,
    position === undefined ? {} : { 'millrace-position': position },
  )
  if (reply.status !== 200) throw unexpected(reply)
  return (reply.body as { itemScores: Recommendation[] }).itemScores
}

/** Sends one rating; returns its `millrace-position`. */
export async function rate(
  { client, eventUrl }: Target,
  user: string,
  item: string,
): Promise<string> {
  const reply = await client.post(eventUrl, {
    event: 'rate',
    entityType: 'user',
    entityId: user,
    targetEntityType: 'item',
    targetEntityId: item,
    properties: { rating: 10 },
  })
  if (reply.status !== 201) throw unexpected(reply)
  return String(reply.headers['millrace-position'] ?? '')
}

function unexpected({ status, body }: Reply): MillraceError {
  return new MillraceError('INTERNAL', {
    reason: `the server answered ${status}: ${JSON.stringify(body)}`,
  })
}

/** Milliseconds from an acknowledged first event of a new user to the first answer that differs; median of `rounds`. */
export async function eventToEffect(target: Target, item: string, rounds: number): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const user = `quickstart-${round}`
    const before = JSON.stringify(await recommendations(target, { user }))
    await rate(target, user, item)
    const acknowledged = systemClock.monotonic()
    while (JSON.stringify(await recommendations(target, { user })) === before) {
      if (systemClock.monotonic() - acknowledged > 10_000) {
        throw new MillraceError('INTERNAL', { reason: 'an event had no effect within 10 s' })
      }
    }
    times.push(systemClock.monotonic() - acknowledged)
  }
  return percentile(times, 0.5)
}

/** Milliseconds of single queries, one after the other. */
export async function queryTimes(
  target: Target,
  users: readonly string[],
  count: number,
): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const started = systemClock.monotonic()
    await recommendations(target, { user: users[i % users.length] })
    times.push(systemClock.monotonic() - started)
  }
  return times
}

export function percentile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
