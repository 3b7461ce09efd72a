// Decides the order of everything. Each call of a port stops at a gate; when nothing runs any more, one gate of a process
// that lives is opened, chosen by the seed. A process that ended is one whose gates never open again: that is a crash at
// an await. Time moves only here, and only between steps.
import { createManualClock, type ManualClock } from '../support/memory/clock.ts'
import type { Random } from '../support/random.ts'

/** Turns of the event loop after which whatever a step set off has come to its next gate. */
const TURNS = 4

/** A process or thread: what crashes as one. */
export interface Life {
  readonly name: string
  readonly ended: AbortSignal
  /** While true its gates stay shut: a process that sleeps and may wake late. */
  paused: boolean
  end(): void
}

interface Gate {
  readonly life: Life
  readonly label: string
  readonly open: () => void
}

export interface Scheduler {
  readonly clock: ManualClock
  readonly random: Random
  readonly steps: number
  readonly trace: readonly string[]
  /** Text of the gates that wait. */
  waiting(): string[]
  note(line: string): void
  life(name: string, parent?: Life): Life
  /** Resolves when the scheduler opens this gate: never when the life ends before. */
  gate(life: Life, label: string): Promise<void>
  /** Opens one gate, or moves the time on; false when nothing waits for either. */
  step(): Promise<boolean>
  settle(): Promise<void>
}

export function createScheduler(random: Random, options: { readonly trace: boolean }): Scheduler {
  const clock = createManualClock()
  const trace: string[] = []
  let gates: Gate[] = []
  let steps = 0
  const note = (line: string): void => {
    if (options.trace) trace.push(`${steps} +${clock.monotonic()}ms ${line}`)
  }
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  return {
    clock,
    random,
    trace,
    note,
    settle,
    get steps() {
      return steps
    },
    waiting: () => gates.map(({ life, label }) => `${life.name}: ${label}`),
    life: (name, parent) => createLife(name, parent, note),
    gate: (life, label) =>
      new Promise((open) => {
        if (!life.ended.aborted) gates.push({ life, label, open })
      }),
    async step() {
      gates = gates.filter(({ life }) => !life.ended.aborted)
      const ready = gates.filter(({ life }) => !life.paused)
      const { next } = clock
      steps++
      if (ready.length === 0 || (next !== null && random.chance(0.02))) {
        if (next === null) return false
        const ms = ready.length === 0 ? Math.max(1, next) : 1 + random.below(400)
        clock.advance(ms)
        note(`time passes: ${ms} ms`)
      } else {
        const gate = random.pick(ready)
        gates.splice(gates.indexOf(gate), 1)
        note(`${gate.life.name}: ${gate.label}`)
        gate.open()
      }
      await settle()
      return true
    },
  }
}

function createLife(name: string, parent: Life | undefined, note: (line: string) => void): Life {
  const controller = new AbortController()
  const end = (): void => {
    if (controller.signal.aborted) return
    note(`${name} ends`)
    controller.abort()
  }
  parent?.ended.addEventListener('abort', end, { once: true })
  if (parent?.ended.aborted) end()
  return { name, ended: controller.signal, paused: false, end }
}
