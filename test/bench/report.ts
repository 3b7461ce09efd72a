// What a bench prints: one row a figure, with what it cost and what it should reach. Machines are noisy: compare rows of one run.
export interface Figure {
  readonly name: string
  readonly value: string
  /** CPU of the server per operation, or what else it cost. */
  readonly cost: string
  readonly target: string
  readonly reached: boolean
}

export interface Report {
  add(figure: Figure): void
}

export function createReport(): Report {
  return {
    add: ({ name, value, cost, target, reached }) => {
      const mark = reached ? 'ok  ' : 'MISS'
      process.stdout.write(
        `${mark} ${name.padEnd(34)} ${value.padEnd(36)} ${cost.padEnd(40)} ${target}\n`,
      )
    },
  }
}
