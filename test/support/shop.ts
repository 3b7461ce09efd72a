// A seeded shop: streams interaction events with known taste behind them, from a thousand to a hundred million.
//
//   node shop.ts --events 100000 [--seed 1] [--users N] [--items N] [--categories N] [--days 90]
//        [--start 2025-01-01T00:00:00.000Z] [--event-ids] [--no-items]        events as JSON lines on stdout
//   node shop.ts --events 100000 --truth 20 [--truth-users N]                 the true best items of each user
//
// The same flags give the same bytes on every machine. `shop-model.ts` says how it works; a search names the true style,
// a category-pref the true category, and --truth lists the items with the highest P(i | u).
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { Random, Shop, sessions } from './shop-model.ts'

const { values } = parseArgs({
  options: {
    events: { type: 'string' },
    seed: { type: 'string', default: '1' },
    users: { type: 'string' },
    items: { type: 'string' },
    categories: { type: 'string' },
    days: { type: 'string', default: '90' },
    start: { type: 'string', default: '2025-01-01T00:00:00.000Z' },
    'event-ids': { type: 'boolean', default: false },
    'no-items': { type: 'boolean', default: false },
    truth: { type: 'string' },
    'truth-users': { type: 'string' },
  },
})
const total = Number(values.events)
if (!Number.isSafeInteger(total) || total < 1) throw new Error('--events N is needed')
const seed = Number(values.seed)
const users = Number(values.users ?? Math.ceil(total / 40))
const items = Number(values.items ?? Math.max(72, Math.ceil(25 * Math.sqrt(users))))
const shop = new Shop(
  seed,
  users,
  items,
  Number(values.categories ?? Math.min(48, Math.max(6, Math.floor(items / 60)))),
)
const start = Date.parse(values.start)
const span = Number(values.days) * 86_400_000

let buffer = ''
const emit = (line: string): void => {
  buffer += `${line}\n`
}
async function flush(atLeast = 262_144): Promise<void> {
  if (buffer.length < atLeast) return
  const chunk = buffer
  buffer = ''
  if (!process.stdout.write(chunk)) await once(process.stdout, 'drain')
}
process.stdout.on('error', (e: NodeJS.ErrnoException) => process.exit(e.code === 'EPIPE' ? 0 : 1))

const iso = (t: number): string => new Date(t).toISOString()
const ids = new Random(seed, 3)
const eventId = (): string =>
  values['event-ids']
    ? `"eventId":"${Array.from({ length: 4 }, () => ids.integer().toString(16).padStart(8, '0')).join('')}",`
    : ''

async function catalogue(): Promise<void> {
  for (let i = 0; i < items; i++) {
    const random = new Random(seed, 4, i)
    const released = start - random.below(300) * 86_400_000
    const life = random.next()
    const available = life < 0.02 ? start + span * 2 : released
    const expires = life > 0.98 ? start + span / 2 : start + span * 20
    const properties = {
      title: `Item ${i}`,
      categories: [shop.categoryOf(i).name, shop.styleOf(i).name],
      brand: [`brand-${random.below(20)}`],
      price: 5 + random.below(20_000) / 100,
      date: iso(released),
      available: iso(available),
      expires: iso(expires),
    }
    emit(
      `{${eventId()}"event":"$set","entityType":"item","entityId":"item-${i}","properties":${JSON.stringify(properties)},"eventTime":"${iso(start)}"}`,
    )
    await flush()
  }
}

async function interactions(): Promise<void> {
  const target = (of: string | number): string => (typeof of === 'number' ? `item-${of}` : of)
  const all = sessions({ shop, total, start, span }, (event, user, of, properties, time) => {
    emit(
      `{${eventId()}"event":"${event}","entityType":"user","entityId":"user-${user}","targetEntityType":"item","targetEntityId":"${target(of)}",${properties}"eventTime":"${iso(time)}"}`,
    )
  })
  for (const _ of all) await flush()
}

if (values.truth !== undefined) {
  for (let u = 0; u < Math.min(users, Number(values['truth-users'] ?? users)); u++) {
    emit(JSON.stringify({ user: `user-${u}`, top: shop.truth(u, Number(values.truth)) }))
    await flush()
  }
} else {
  if (!values['no-items']) await catalogue()
  await interactions()
}
await flush(1)
