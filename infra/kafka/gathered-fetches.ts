// Fetches of one turn of the event loop go out as one request a broker.
import { outOfRangePartition } from './errors.ts'
import type { FetchedPart, FetchPart, ReadConnection } from './read-connection.ts'

export type FetchNow = (part: FetchPart) => Promise<FetchedPart>

interface Asked {
  readonly part: FetchPart
  readonly resolve: (fetched: FetchedPart) => void
  readonly reject: (error: unknown) => void
}

/** What the returned function rejects with is kafkajs' own error. */
export function createGatheredFetches(connection: ReadConnection): FetchNow {
  let gathered: Asked[] = []

  const flush = async (): Promise<void> => {
    const all = gathered
    gathered = []
    try {
      const leaders = await connection.leaders(all.map(({ part }) => part.partition))
      for (const [leader, led] of leaders) {
        for (const round of rounds(all.filter(({ part }) => led.includes(part.partition)))) {
          await send(connection, leader, round)
        }
      }
    } catch (error) {
      for (const { reject } of all) reject(error)
      return
    }
    // Who has an answer by now does not hear this.
    for (const { reject, part } of all) {
      reject(new Error(`partition ${part.partition} has no leader`))
    }
  }
  return (part) =>
    new Promise((resolve, reject) => {
      gathered.push({ part, resolve, reject })
      if (gathered.length === 1) setImmediate(() => void flush())
    })
}

/** One request; a partition that is out of range spoils the whole reply, so the others are asked for again. */
async function send(
  connection: ReadConnection,
  leader: string,
  round: readonly Asked[],
): Promise<void> {
  let left = round
  while (left.length > 0) {
    try {
      const parts = left.map(({ part }) => part)
      const fetched = await connection.fetch(leader, parts, 0)
      for (const { part, resolve } of left) {
        const found = fetched.find(({ partition }) => partition === part.partition)
        if (found !== undefined) resolve(found)
      }
      return
    } catch (error) {
      const lost = outOfRangePartition(error)
      const failed = left.find(({ part }) => part.partition === lost)
      if (failed === undefined) throw error
      failed.reject(error)
      left = left.filter((one) => one !== failed)
    }
  }
}

/** Splits so that no round has a partition twice. */
function rounds(all: readonly Asked[]): Asked[][] {
  const split: Asked[][] = []
  for (const one of all) {
    const { partition } = one.part
    const round = split.find((its) => its.every(({ part }) => part.partition !== partition))
    if (round === undefined) split.push([one])
    else round.push(one)
  }
  return split
}
