// What befalls the processes beside the faults of single calls: kills, lost power, owners that sleep and wake late, clocks
// that are set, an index that is away, a full log. Each seed has its own measure of it.
import type { Processes } from './processes.ts'
import type { Life } from './scheduler.ts'
import type { ThreadSink } from './streams.ts'
import type { World } from './world.ts'

export interface Nemesis {
  /** Perhaps does something. */
  act(): void
  /** Ends every calamity that lasts. */
  relent(): void
}

interface Calamity {
  readonly weight: number
  readonly strike: () => void
}

const POISON = Buffer.from('no record')
/** Fewer than break a sink. */
const POISON_MAX = 8
const CLOCK_JUMP_MS = 90_000
/** Steps until a sleeper wakes, an index is back, a disk has room. */
const LASTS_MAX = 80

export function createNemesis(world: World, processes: Processes): Nemesis {
  const { scheduler, faults, events } = world
  const { random, clock } = scheduler
  const asleep = new Set<Life>()
  let poisoned = 0
  let ending: { readonly step: number; readonly end: () => void }[] = []
  const later = (end: () => void): void => {
    ending.push({ step: scheduler.steps + 1 + random.below(LASTS_MAX), end })
  }
  const wake = (life: Life): void => {
    life.paused = false
    asleep.delete(life)
    scheduler.note(`${life.name} wakes`)
  }
  const sleep = (life: Life): void => {
    life.paused = true
    asleep.add(life)
    scheduler.note(`${life.name} falls asleep`)
    later(() => wake(life))
  }
  const owner = (): { readonly sink: ThreadSink; readonly life: Life } | null => {
    if (processes.ready.length === 0) return null
    const sink = random.pick(['store', 'store', 'archive'] as const)
    const life = random.pick(processes.ready).streams.owners[sink].at(-1)
    return life === undefined || life.ended.aborted ? null : { sink, life }
  }
  const calamities: Calamity[] = [
    {
      weight: 2,
      strike: () => {
        if (processes.ready.length > 0) processes.kill(random.pick(processes.ready))
      },
    },
    { weight: 1, strike: () => processes.losePower() },
    { weight: 2, strike: () => owner()?.life.end() },
    {
      weight: 2,
      strike: () => {
        const host = processes.ready[0]
        const found = owner()
        if (host === undefined || found === null) return
        sleep(found.life)
        if (random.chance(0.7)) host.streams.takeOver(found.sink)
      },
    },
    {
      weight: 1,
      strike: () => {
        const jump = random.below(2 * CLOCK_JUMP_MS) - CLOCK_JUMP_MS
        clock.setNow(clock.now() + jump)
        scheduler.note(`the clock jumps by ${jump} ms`)
      },
    },
    {
      weight: 1,
      strike: () => {
        faults.indexAway = true
        scheduler.note('the index is away')
        later(() => {
          faults.indexAway = false
        })
      },
    },
    {
      weight: 1,
      strike: () => {
        if (poisoned++ >= POISON_MAX) return
        events.put(random.below(events.partitions), POISON)
        scheduler.note('a record that nobody can read')
      },
    },
    {
      weight: 1,
      strike: () => {
        events.full = true
        scheduler.note('the log is full')
        later(() => {
          events.full = false
        })
      },
    },
  ]
  const rate = random.chance(0.25) ? 0 : random.next() * 0.03
  const chosen = calamities.filter(() => random.chance(0.6))
  const hat = chosen.flatMap((calamity) => Array<Calamity>(calamity.weight).fill(calamity))
  return {
    act() {
      const due = ending.filter(({ step }) => step <= scheduler.steps)
      ending = ending.filter(({ step }) => step > scheduler.steps)
      for (const { end } of due) end()
      if (hat.length > 0 && random.chance(rate)) random.pick(hat).strike()
    },
    relent() {
      for (const { end } of ending) end()
      for (const life of [...asleep]) wake(life)
      ending = []
    },
  }
}
