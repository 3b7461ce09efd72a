// The processes of a run: started, ended as a kill -9 or a loss of power ends them, and started again a while later.
import { loseUnflushed } from './faulty-store.ts'
import { type Host, startHost } from './host.ts'
import type { Life } from './scheduler.ts'
import type { World } from './world.ts'

export interface Processes {
  /** Those that are ready. */
  readonly ready: readonly Host[]
  /** All are ready. */
  readonly isComplete: boolean
  /** One of those that are ready, as soon as there is one. */
  any(): Promise<Host>
  kill(host: Host): void
  /** Ends everything that runs; the disk goes back to what was flushed. */
  losePower(): void
  /** Ends everything for good. */
  end(): void
}

export function startProcesses(world: World, count: number): Processes {
  const { scheduler } = world
  const { random } = scheduler
  const supervisor = scheduler.life('supervisor')
  const lives = new Set<Life>()
  let ready: Host[] = []
  let waiting: ((host: Host) => void)[] = []
  let started = 0
  let isOver = false

  const start = (): void => {
    const life = scheduler.life(`p${++started}`)
    lives.add(life)
    life.ended.addEventListener('abort', () => {
      lives.delete(life)
      ready = ready.filter((host) => host.life !== life)
      if (!isOver) void scheduler.gate(supervisor, 'starts a process').then(start)
    })
    startHost(world, life).then(
      (host) => {
        if (life.ended.aborted) return
        scheduler.note(`${life.name} is ready`)
        ready.push(host)
        const served = waiting
        waiting = []
        for (const serve of served) serve(host)
      },
      (error: unknown) => world.wrong('start', `${life.name} cannot start: ${error}`),
    )
  }
  for (let i = 0; i < count; i++) start()
  return {
    get ready() {
      return ready
    },
    get isComplete() {
      return ready.length === count
    },
    any: () =>
      new Promise((resolve) => {
        if (ready.length > 0) resolve(random.pick(ready))
        else waiting.push(resolve)
      }),
    kill: ({ life }) => life.end(),
    end: () => {
      isOver = true
      for (const life of [...lives]) life.end()
    },
    losePower: () => {
      for (const life of [...lives]) life.end()
      loseUnflushed(world.disk, random.chance(0.4))
    },
  }
}
