// Random engines, events and queries from a seed: small, so that ties, limits and empty lists are met all the time.
import type { Json } from '#schemas/json'
import { RANKING_TYPES } from '#schemas/model'
import type { Random } from '../random.ts'
import type { ToldEvent } from '../serving-fixture.ts'
import type { DateRange, ReferenceQuery } from './query.ts'
import type { Compatibility, Rule, Settings } from './settings.ts'

export const NOW = Date.parse('2025-06-01T12:00:00.000Z')
const DAY = 86_400_000
const EVENTS = ['buy', 'view', 'search', 'like']
const ITEMS = [
  ...['U 2', 'é', '\u{1F600}', '0042', '42', 'constructor', '__proto__', 'a,b', '"q"', ' x'],
  ...['i1', 'i2', 'I1', '\uFF5E', 'i10', '{}'],
]
const USERS = ['u1', 'u2', 'U 3', 'ü', '007', 'toString', 'u7', 'u8', 'u9', 'u10']
const COLORS = ['red', 'green', 'blue', '7', 'true']
const PROPERTIES: Readonly<Record<string, (random: Random) => Json>> = {
  color: (random) => random.pick<Json>(['red', 'blue', ['red', 'green'], [7, 'blue'], 7, true]),
  size: (random) => random.below(3),
  stars: (random) => random.pick<Json>([1, 2, 2.5, -1, 'many']),
  from: (random) => time(random, -9, 2),
  until: (random) => time(random, -2, 9),
  date: (random) => time(random, -3, 3),
}

/** A time some days from now; whole hours, so that equal ones occur. */
function time(random: Random, from: number, to: number): string {
  return new Date(NOW + from * DAY + random.below((to - from) * 24) * 3_600_000).toISOString()
}

export function randomSettings(random: Random): Settings {
  const scoring = random.pick(['weighted', 'weighted', 'global', 'es5', 'es5', 'es7'] as const)
  const old = random.pick<Compatibility>(['ur-0.7', 'ur-0.7', 'ur-0.7', 'harness-0.6', 'none'])
  const compatibility =
    scoring === 'weighted' ? random.pick<Compatibility>(['none', 'none', old]) : old
  const shortcut = random.chance(0.2) ? { maxQueryEvents: random.pick([null, 2, 3]) } : null
  const various = EVENTS.slice(0, 1 + random.below(3)).map((name) => ({
    name,
    aliases: name === 'buy' && random.chance(0.3) ? ['bought', 'other'].slice(random.below(2)) : [],
    limit: random.pick([3, 5, 500, 500]),
    keep: random.pick([1, 3, 50, 50]),
    minLlr: random.chance(0.2) ? 0.5 : null,
  }))
  const [{ limit, keep }] = various as [(typeof various)[number]]
  const indicators =
    shortcut === null
      ? various
      : various.map(({ name }) => ({ name, aliases: [], limit, keep, minLlr: null }))
  const ofOld = compatibility === 'ur-0.7' && scoring !== 'weighted'
  const names = indicators.map(({ name }) => name)
  const limited = indicators.some(({ minLlr }) => minLlr !== null)
  const dates = random.pick([
    [],
    [],
    [],
    [],
    ['from', 'until'],
    ['from', 'until'],
    ['from'],
    ['until'],
  ])
  return {
    scoring,
    weights: limited || random.chance(0.4) ? 'llr' : 'acos',
    compatibility,
    indicators,
    shortcut,
    removeDuplicates: random.chance(0.2),
    windowDays: random.pick([null, null, null, 6]),
    recsModel: random.pick(['all', 'all', 'all', 'all', 'collabFiltering'] as const),
    minEvents: random.pick([0, 0, 1, 2, 3]),
    blacklist: random.pick([names.slice(0, 1), names.slice(0, 1), [], names]),
    userBias: random.pick([1, 1, 1, 1, 2.5, 0, 0.5, -1]),
    itemBias: random.pick([1, 1, 1, 1, 0.3, 0, 3, -2]),
    itemSetBias: random.pick([1, 1, 2]),
    returnSelf: random.chance(0.3),
    fields: random.chance(0.2) ? randomRules(random, 2, ofOld ? [0, 1, 3] : [-1, 0, 1, 3]) : [],
    rankings: randomRankings(random),
    available: dates.includes('from') ? 'from' : null,
    expires: dates.includes('until') ? 'until' : null,
    num: random.pick([3, 20]),
    seed: random.pick([0, 0, 5]),
  }
}

function randomRankings(random: Random): Settings['rankings'] {
  const types = random.some(RANKING_TYPES, 0.4)
  return (types.length === 0 ? ['popular' as const] : types).map((type) => ({
    name: type === 'userDefined' ? 'stars' : `${type}Rank`,
    type,
    events: random.pick([['buy'], ['buy', 'view'], ['view', 'like']]),
    days: random.pick([4, 10, 3650]),
    offsetDate: random.chance(0.3) ? time(random, -3, -1) : null,
  }))
}

export function randomEvents(random: Random): ToldEvent[] {
  const users = USERS.slice(0, 3 + random.below(8))
  const items = ITEMS.filter(() => random.chance(0.7))
  const taste = new Map(users.map((user) => [user, random.below(2)]))
  const count = 30 + random.below(70)
  const done = Array.from({ length: count }, (_, n): ToldEvent => {
    const user = random.pick(users)
    // Two tastes, so that there is something to find; other types now and then.
    const own = items.filter((_item, i) => i % 2 === taste.get(user) || random.chance(0.25))
    const odd = random.chance(0.06)
    return {
      event: random.pick(['buy', 'buy', 'bought', 'view', 'search', 'other']),
      entityType: odd && random.chance(0.5) ? 'session' : 'user',
      entityId: user,
      targetEntityType: odd && random.chance(0.5) ? 'category' : 'item',
      targetEntityId: random.pick(own.length === 0 ? ['i1'] : own),
      // Distinct times: which of equal ones is newer is another question.
      eventTime: new Date(Date.parse(time(random, -12, 0)) + n).toISOString(),
    }
  })
  const described = items.flatMap((item, n) =>
    random.chance(0.85) ? randomDescription(random, item, n) : [],
  )
  return [...done, ...described].sort(() => random.next() - 0.5)
}

/** What is said of an item: later it is changed, loses something, or is deleted and perhaps comes back. */
function randomDescription(random: Random, item: string, n: number): ToldEvent[] {
  const names = Object.keys(PROPERTIES)
  const said = (event: string, day: number, some: readonly string[]): ToldEvent => ({
    event,
    entityType: 'item',
    entityId: item,
    ...(event !== '$delete' && {
      properties: Object.fromEntries(
        some.map((name) => [name, PROPERTIES[name]?.(random) ?? null]),
      ),
    }),
    eventTime: new Date(NOW - (30 - day) * DAY + n).toISOString(),
  })
  const events = [said('$set', 0, ['color', ...random.some(names, 0.8)])]
  if (random.chance(0.4)) events.push(said('$set', 1, ['size', ...random.some(names, 0.3)]))
  if (random.chance(0.2)) events.push(said('$unset', 2, ['color']))
  if (random.chance(0.15)) events.push(said('$delete', 3, []))
  if (random.chance(0.1)) events.push(said('$set', 4, ['size', 'until']))
  return events
}

function randomRules(random: Random, most: number, biases: readonly number[]): Rule[] {
  return Array.from({ length: random.below(most + 1) }, () => {
    const name = random.pick(['color', 'color', 'size', 'none'])
    const values = name === 'size' ? random.some(['0', '1', '2'], 0.5) : random.some(COLORS, 0.4)
    return { name, values: values.length === 0 ? ['red'] : values, bias: random.pick(biases) }
  })
}

export function randomQuery(random: Random): ReferenceQuery {
  const maybe = <T>(chance: number, value: () => T): T | undefined =>
    random.chance(chance) ? value() : undefined
  const range = (): DateRange => ({
    name: random.pick(['date', 'until']),
    ...(random.chance(0.7) && { after: time(random, -3, 2) }),
    before: time(random, -2, 3),
  })
  const query = {
    user: maybe(0.7, () => random.pick([...USERS.slice(0, 6), ...USERS, 'nobody'])),
    history: maybe(0.1, () =>
      Array.from({ length: 1 + random.below(3) }, (_, n) => ({
        event: random.pick([...EVENTS, 'bought']),
        item: random.pick(ITEMS),
        ...(random.chance(0.5) && { eventTime: new Date(NOW - n * 1000).toISOString() }),
      })),
    ),
    item: maybe(0.35, () => random.pick([...ITEMS, 'nothing'])),
    itemSet: maybe(0.2, () =>
      Array.from({ length: 1 + random.below(3) }, () => random.pick(ITEMS)),
    ),
    userBias: maybe(0.15, () => random.pick([-1, 0, 1, 2, 0.5])),
    itemBias: maybe(0.15, () => random.pick([-1, 0, 1, 2, 0.5])),
    itemSetBias: maybe(0.1, () => random.pick([0, 1, 3])),
    fields: maybe(0.4, () => randomRules(random, 3, [-1, 0, 1, 1.05, 20, 0.4, 2])),
    dateRange: maybe(0.07, () => (random.chance(0.5) ? range() : [range(), range()])),
    currentDate: maybe(0.1, () => time(random, -4, 4)),
    blacklistItems: maybe(0.2, () => random.some(ITEMS, 0.2)),
    returnSelf: maybe(0.2, () => random.chance(0.5)),
    num: maybe(0.4, () => random.pick([1, 2, 4, 100])),
    from: maybe(0.3, () => random.pick([0, 1, 2, 7])),
    eventNames: maybe(0.1, () => random.some(EVENTS, 0.6)),
  }
  return Object.fromEntries(
    Object.entries(query).filter(([, value]) => value !== undefined),
  ) as ReferenceQuery
}
