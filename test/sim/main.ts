// `npm run sim`: runs seeds, or one with its history, or looks for the planted bugs.
//
//   npm run sim -- --seeds 1000 --from 1
//   npm run sim -- --seed 42 --trace
//   npm run sim -- --plants
import { parseArgs } from 'node:util'
import { BUGS, findBug, SEEDS_TO_FIND } from './find-bug.ts'
import { simulate } from './simulate.ts'

/** Failing seeds after which no more are run. */
const FAILURES_MAX = 10

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    plants: { type: 'boolean', default: false },
  },
})
const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

if (values.plants) await printPlants()
else await runSeeds()

async function runSeeds(): Promise<void> {
  const from = Number(values.seed ?? values.from)
  const count = values.seed === undefined ? Number(values.seeds) : 1
  const began = performance.now()
  const counts = new Map<string, number>()
  let failed = 0
  let ran = 0
  let steps = 0
  let isStopped = false
  // Who has waited long enough is told what was run so far.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      isStopped = true
    })
  }
  const last = from + count - 1
  for (let seed = from; seed <= last && failed < FAILURES_MAX && !isStopped; seed++) {
    const run = await simulate(seed, { trace: values.trace })
    for (const line of run.trace) print(line)
    for (const [what, times] of run.counts) counts.set(what, (counts.get(what) ?? 0) + times)
    steps += run.steps
    ran++
    if (run.findings.length > 0) failed++
    for (const { checker, what, step } of run.findings) {
      print(`seed ${seed}, step ${step}, ${checker}: ${what}`)
    }
  }
  const rate = ran / ((performance.now() - began) / 1000)
  const { user, system } = process.cpuUsage()
  const ms = (user + system) / 1000 / ran
  for (const [what, times] of [...counts].sort()) print(`${String(times).padStart(9)} ${what}`)
  print(`${ran} seeds, ${failed} failed, ${steps} steps`)
  print(`${rate.toFixed(0)} seeds a second, ${ms.toFixed(1)} ms of processor time a seed`)
  if (failed > 0) process.exitCode = 1
}

async function printPlants(): Promise<void> {
  print('| bug | seed | step | found by |')
  print('| --- | ---: | ---: | --- |')
  for (const bug of BUGS) {
    const found = await findBug(bug)
    if (found === null) process.exitCode = 1
    const row = found ?? { seed: `none of ${SEEDS_TO_FIND}`, step: '', checker: '' }
    print(`| ${bug.name} | ${row.seed} | ${row.step} | ${row.checker} |`)
  }
}
