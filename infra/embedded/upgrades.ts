// How a data folder of an older format becomes one of today's: a step for each format, in order. The owner runs them before
// anything is opened, and the folder takes the next format after each step, so a step must bear being run again after a
// crash. A change that needs no step (a new kind of row that older versions pass over without harm) is no new format.
import { MillraceError } from '#ports/errors'
import { messageOf } from './errors.ts'

export interface Upgrade {
  /** The format it starts from; the next one is what it makes. */
  readonly from: number
  readonly what: string
  run(folder: string): Promise<void>
}

export const UPGRADES: readonly Upgrade[] = [
  {
    from: 1,
    what: 'the event store keeps refused events until they have their dead letters',
    // Nothing is rewritten: the rows are new. It is a format of its own because an older version would not look for them.
    run: async () => {},
  },
]

/** The format of a folder that all steps were run on. */
export function newestFormat(upgrades: readonly Upgrade[]): number {
  return (upgrades.at(-1)?.from ?? 0) + 1
}

/** The steps from a format on; null when there is no way from it. */
export function stepsFrom(format: number, upgrades: readonly Upgrade[]): readonly Upgrade[] | null {
  if (format === newestFormat(upgrades)) return []
  const first = upgrades.findIndex(({ from }) => from === format)
  return first < 0 ? null : upgrades.slice(first)
}

/**
 * Runs steps one after the other; `reached` is told, and awaited, after each.
 * @throws MillraceError DATA_FOLDER_UNUSABLE when one fails: the folder keeps the format it had reached
 */
export async function runUpgrades(
  folder: string,
  steps: readonly Upgrade[],
  reached: (format: number) => Promise<void>,
): Promise<void> {
  for (const { from, what, run } of steps) {
    try {
      await run(folder)
      await reached(from + 1)
    } catch (cause) {
      const reason = `its upgrade from format ${from} to ${from + 1} (${what}) failed: ${messageOf(cause)}`
      throw new MillraceError('DATA_FOLDER_UNUSABLE', { folder, reason }, { cause })
    }
  }
}
