// `npm run sim`: runs seeds, or one with its history, or looks for the planted bugs.
//
//   npm run sim -- --seeds 1000 --from 1
//   npm run sim -- --seed 42 --trace
//   npm run sim -- --plants
import { parseArgs } from 'node:util'
import { BUGS, findBug, SEEDS_TO_FIND } from './find-bug.ts'
import { runSeeds } from './run-seeds.ts'

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
else await printSeeds()

async function printSeeds(): Promise<void> {
  const from = Number(values.seed ?? values.from)
  const count = values.seed === undefined ? Number(values.seeds) : 1
  const began = performance.now()
  const stop = new AbortController()
  // Who has waited long enough is told what was run so far.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  const task = { from, count, trace: values.trace }
  const { ran, failed, steps, counts } = await runSeeds(task, print, stop.signal)
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
