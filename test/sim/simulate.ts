// One run: clients and calamities until the clients have had enough, then rest, then the checks.
import { covers } from '#schemas/position'
import {
  checkAcknowledged,
  checkArchive,
  checkDeadLetters,
  checkItemStates,
  checkStore,
  checkVersions,
  endOfLog,
} from './checks.ts'
import { Client, type Ledger } from './client.ts'
import { prepareEventServers } from './event-servers.ts'
import { beginTrained } from './first-version.ts'
import { checkLists, checkModels } from './model-checks.ts'
import { createNemesis } from './nemesis.ts'
import { operate } from './operator.ts'
import type { Plants } from './plants.ts'
import { type Processes, startProcesses } from './processes.ts'
import { createWorld, type Finding, type World } from './world.ts'

export interface Run {
  readonly seed: number
  readonly steps: number
  readonly findings: readonly Finding[]
  readonly counts: ReadonlyMap<string, number>
  readonly trace: readonly string[]
}

export interface RunOptions {
  readonly trace?: boolean
  readonly plants?: Plants
}

/** Steps in which everything has to come to rest once nothing goes wrong any more. */
const REST_STEPS_MAX = 5000
/** Steps that an owner has to bury what it refused. */
const UNBURIED_STEPS = 500
const STEPS_MAX = 20_000
/** Calls that may wait at once: a bound on what piles up. */
const WAITING_MAX = 200

export async function simulate(seed: number, options: RunOptions = {}): Promise<Run> {
  const { trace = false, plants = {} } = options
  const world = createWorld(seed, { trace, plants })
  const { scheduler, faults, events } = world
  const { random } = scheduler
  await prepareEventServers(events.partitions, world.processes)
  if (random.chance(0.6)) await beginTrained(world)
  const ledger: Ledger = { acknowledged: [], counts: new Map() }
  const processes = startProcesses(world, world.processes)
  const nemesis = createNemesis(world, processes)
  const clients = Array.from({ length: 1 + random.below(3) }, (_, i) => {
    const life = scheduler.life(`client${i}`)
    return new Client({ world, life, ledger, host: processes.any })
  })
  let atWork = clients.length
  for (const client of clients) {
    const requests = 4 + random.below(8)
    client
      .run((sent) => sent >= requests)
      .then(
        () => atWork--,
        (error: unknown) => world.wrong('answers', `a client failed: ${String(error)}`),
      )
  }
  const isGood = (): boolean => world.findings.length === 0
  const operator = scheduler.life('operator')
  atWork++
  const orders = random.chance(0.4) ? 0 : 1 + random.below(5)
  operate({ world, life: operator, ledger, host: processes.any }, orders).then(
    () => atWork--,
    (error: unknown) => world.wrong('answers', `the operator failed: ${String(error)}`),
  )
  while (isGood() && atWork > 0 && scheduler.steps < STEPS_MAX) {
    nemesis.act()
    await scheduler.step()
    checkStep(world)
  }
  faults.active = false
  nemesis.relent()
  if (atWork > 0 && isGood()) world.wrong('liveness', 'the clients get no answers')
  const restFrom = scheduler.steps
  const isOver = (): boolean => {
    const isLong = scheduler.steps > restFrom + UNBURIED_STEPS
    return isAtRest(world, processes) && (isLong || world.disk.events.unburied.length === 0)
  }
  while (isGood() && !isOver() && scheduler.steps < restFrom + REST_STEPS_MAX) {
    await scheduler.step()
    checkStep(world)
  }
  if (isGood() && !isOver()) {
    world.wrong('liveness', `no rest: ${scheduler.waiting().join('; ')}`)
  }
  if (isGood()) await checkAtRest(world, processes, ledger)
  processes.end()
  for (const { state, error } of world.queue.jobs) {
    const outcome = `training: ${error?.code ?? state}`
    ledger.counts.set(outcome, (ledger.counts.get(outcome) ?? 0) + 1)
  }
  const { steps } = scheduler
  return { seed, steps, findings: world.findings, counts: ledger.counts, trace: scheduler.trace }
}

function checkStep(world: World): void {
  const waiting = world.scheduler.waiting().length
  if (waiting > WAITING_MAX) world.wrong('bounds', `${waiting} calls wait at once`)
}

/** Processes are there, no job waits or runs, and every sink has applied the whole log. */
export function isAtRest(world: World, { ready, isComplete }: Processes): boolean {
  if (!isComplete || world.scheduler.waiting().length > 0) return false
  if (world.queue.jobs.some(({ endedAt }) => endedAt === null)) return false
  const end = endOfLog(world)
  return ready.every(({ streams: { watermarks, isSettled, archiveAt } }) => {
    const places = [watermarks.applied('store'), watermarks.applied('index'), archiveAt()]
    return isSettled() && places.every((place) => place !== null && covers(place, end))
  })
}

export async function checkAtRest(
  world: World,
  { ready }: Processes,
  ledger: Ledger,
): Promise<void> {
  checkAcknowledged(world, ledger)
  checkStore(world)
  checkDeadLetters(world)
  for (const host of ready) checkItemStates(world, host)
  checkVersions(world, ready)
  // Reading it all back costs as much as a tenth of a run.
  if (world.seed % 4 === 0) await checkArchive(world)
  await checkModels(world)
  for (const host of ready) await checkLists(world, host)
}
