// Which partitions of the event log this process works on, of all processes that run sinks: a consumer group divides a topic that
// has as many partitions and no records. Its places are not used: a sink has its place in what it writes, so two owners of one
// partition for a moment do no harm.
import type { Clock } from '#ports/clock'
import type { Closable } from '#ports/lifecycle'
import type { Telemetry } from '#ports/telemetry'
import { openKafkaClient } from './client.ts'
import { readKafkaUrl } from './config.ts'
import { kafkaError } from './errors.ts'

export interface PartitionClaimsOptions {
  readonly url: string
  readonly prefix: string
  /** Partitions of the event log. */
  readonly partitions: number
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Told each time the share of this process changes; in ascending order. */
  readonly onChange: (partitions: readonly number[]) => void
}

/**
 * Joins the processes that run sinks; resolves when it has its first share.
 * @throws MillraceError SERVER_UNREACHABLE, SERVER_REFUSED, LOG_UNAVAILABLE
 */
export async function openPartitionClaims(options: PartitionClaimsOptions): Promise<Closable> {
  const { url, prefix, partitions, clock, telemetry, onChange } = options
  const config = readKafkaUrl(url)
  const client = await openKafkaClient({ config, clientId: prefix, clock, telemetry })
  const topic = `${prefix}.claims`
  const joined = Promise.withResolvers<void>()
  try {
    // Nothing is ever written to it.
    await client.ensureTopic({ topic, partitions, settings: { 'retention.ms': '-1' } })
    const group = await client.joinGroup({
      group: `${prefix}.streams`,
      topic,
      onAssigned: (assigned) => {
        telemetry.log('info', 'partitions-claimed', { partitions: assigned })
        onChange(assigned)
        joined.resolve()
      },
    })
    await joined.promise
    return {
      close: async () => {
        await group.close()
        await client.close()
      },
    }
  } catch (error) {
    await client.close()
    throw kafkaError(error)
  }
}
