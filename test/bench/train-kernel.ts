// The training kernel alone: purchase and view of a shop of 20 M interactions (14.4 M of these two), 850 k users and 108 k
// items, from numbered pairs to the lists of a model. `node test/bench/train-kernel.ts [--events N] [--users N] [--items N]
// [--threads N] [--weights acos|llr] [--dump FOLDER]`; prints one JSON line. `--dump` writes the pairs for `train-scipy.py`. Making the pairs is not part of the time.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { parseUniversal } from '#schemas/engines/universal-parse'
import { modelOf } from '../../batch/engines/universal/local.ts'
import { TrainingData } from '../../batch/engines/universal/training-data.ts'
import { startHelpers } from '../../infra/wiring/row-helpers.ts'
import { Shop, sessions } from '../support/shop-model.ts'
import { variantOf } from '../support/training.ts'
import { cpuMs, memoryMb } from './process-figures.ts'

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '20000000' },
    users: { type: 'string', default: '850000' },
    items: { type: 'string', default: '108000' },
    threads: { type: 'string', default: '2' },
    weights: { type: 'string', default: 'acos' },
    dump: { type: 'string' },
  },
})

const variant = variantOf({
  weights: values.weights,
  indicators: [{ name: 'purchase' }, { name: 'view' }],
})
const params = parseUniversal(variant)
const START = Date.UTC(2025, 0, 1)
const SPAN = 90 * 86_400_000
const data = new TrainingData(params, START + SPAN)

function fill(): void {
  const shop = new Shop(1, Number(values.users), Number(values.items), 48)
  const total = Number(values.events)
  const users = new Int32Array(Number(values.users)).fill(-1)
  const items = new Int32Array(Number(values.items)).fill(-1)
  const numbered = (numbers: Int32Array, n: number, add: () => number): number => {
    if (numbers[n] === -1) numbers[n] = add()
    return numbers[n] as number
  }
  const all = sessions({ shop, total, start: START, span: SPAN }, (event, user, item, _, time) => {
    const at = event === 'purchase' ? 0 : event === 'view' ? 1 : -1
    if (at < 0 || typeof item !== 'number') return
    const u = numbered(users, user, () => data.users.add(`user-${user}`))
    const i = numbered(items, item, () => data.targets.add(`item-${item}`))
    data.pairs[at]?.add(u, i, time)
    if (at === 0) data.rankings[0]?.counter.add(i, time)
  })
  for (const _ of all);
}

function dump(folder: string): void {
  for (const [at, name] of ['purchase', 'view'].entries()) {
    const pairs = data.pairs[at]
    const rows = new Uint32Array((pairs?.length ?? 0) * 2)
    const { user = [], target = [] } = pairs ?? {}
    for (let i = 0; i < user.length; i++) {
      rows[2 * i] = user[i] as number
      rows[2 * i + 1] = target[i] as number
    }
    writeFileSync(`${folder}/${name}.u32`, rows)
  }
}

fill()
if (values.dump !== undefined) dump(values.dump)
const made = memoryMb('VmRSS')
const helpers = startHelpers(Number(values.threads) - 1)
const began = performance.now()
const cpu = cpuMs()
const { model, users, pairs } = await modelOf(
  data,
  params,
  { appName: 'shop', engineId: 'shop' },
  { correlate: helpers.run, progress: () => {} },
)
const seconds = (performance.now() - began) / 1000
const result = {
  seconds: Number(seconds.toFixed(2)),
  cpuSeconds: Number(((cpuMs() - cpu) / 1000).toFixed(2)),
  vmHwmMb: memoryMb('VmHWM'),
  pairsMadeMb: made,
  threads: Number(values.threads),
  weights: values.weights,
  events: data.pairs.reduce((sum, { length }) => sum + length, 0),
  users,
  items: model.items.length,
  pairs,
  kept: model.indicators.reduce((sum, { term }) => sum + term.length, 0),
}
process.stdout.write(`${JSON.stringify(result)}\n`)
await helpers.close()
