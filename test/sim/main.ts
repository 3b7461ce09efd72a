// `npm run sim`: runs seeds, or one with its history.
//
//   npm run sim -- --seeds 1000 --from 1
//   npm run sim -- --seed 42 --trace
import { parseArgs } from 'node:util'
import { simulate } from './simulate.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
})
const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
/** Failing seeds after which no more are run. */
const FAILURES_MAX = 10
const from = Number(values.seed ?? values.from)
const count = values.seed === undefined ? Number(values.seeds) : 1
const began = performance.now()
const total = new Map<string, number>()
let failed = 0
let ran = 0
let steps = 0
for (let seed = from; seed < from + count && failed < FAILURES_MAX; seed++) {
  const run = await simulate(seed, { trace: values.trace })
  for (const line of run.trace) print(line)
  for (const [what, times] of run.counts) total.set(what, (total.get(what) ?? 0) + times)
  steps += run.steps
  ran++
  if (run.findings.length === 0) continue
  failed++
  for (const { checker, what, step } of run.findings) {
    print(`seed ${seed}, step ${step}, ${checker}: ${what}`)
  }
}
const seconds = (performance.now() - began) / 1000
const { user, system } = process.cpuUsage()
const cpu = (user + system) / 1000 / ran
for (const [what, times] of [...total].sort()) print(`${String(times).padStart(9)} ${what}`)
print(`${cpu.toFixed(1)} ms of processor time a seed`)
print(
  `${ran} seeds, ${failed} failed, ${steps} steps, ${(ran / seconds).toFixed(0)} seeds a second`,
)
if (failed > 0) process.exitCode = 1
