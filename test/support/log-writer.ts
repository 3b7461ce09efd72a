// A process that appends to a log until it is killed, and prints each acknowledgement. Records are `round/writer/number/`
// and a filling that follows from it, so that a torn or doubled one shows.
import { writeSync } from 'node:fs'
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import { openLogs } from '../../infra/embedded/logs.ts'

export const WRITERS = 16

/** The record's whole text. */
export function recordText(round: number, writer: number, number: number): string {
  const name = `${round}/${writer}/${number}/`
  return name + name.repeat((number * 7 + writer) % 40)
}

async function main(path: string, round: number): Promise<void> {
  const logs = await openLogs({ path, clock: systemClock, telemetry: silentTelemetry })
  const write = async (writer: number): Promise<void> => {
    for (let number = 0; ; ) {
      const count = 1 + ((number + writer) % 5)
      const values = Array.from({ length: count }, (_, i) =>
        Buffer.from(recordText(round, writer, number + i)),
      )
      const { offset } = await logs.events.append(0, values)
      writeSync(1, `${offset} ${writer} ${number} ${count}\n`)
      number += count
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)))
}

if (import.meta.main) await main(process.argv[2] as string, Number(process.argv[3]))
