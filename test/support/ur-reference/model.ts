// What a training should make of events, pair by pair: indicators and rankings. Slow, and written from the
// description of the algorithms alone; nothing of the trainer is in it.
import { fnv1a32, murmur3 } from '#schemas/hashes'
import type { ToldEvent } from '../serving-fixture.ts'
import { isTargeted, type TargetedEvent } from './items.ts'
import { type Settings, trainsAsOfOld } from './settings.ts'

export interface ReferenceModel {
  /** indicator → item → its ids with their weights, the best first. */
  readonly lists: ReadonlyMap<string, ReadonlyMap<string, readonly (readonly [string, number])[]>>
  /** ranking → item → value; none for `userDefined`. */
  readonly ranks: ReadonlyMap<string, ReadonlyMap<string, number>>
  /** Items that the training knows: those of its users, and those that are ranked. */
  readonly trained: ReadonlySet<string>
}

/** user → ids. */
type Sets = Map<string, Set<string>>

export function referenceModel(
  events: readonly ToldEvent[],
  settings: Settings,
  now: number,
): ReferenceModel {
  const primary = settings.indicators[0]?.name ?? ''
  const raw = new Map<string, number>()
  for (const { entityId } of pairsOf(events, primary)) {
    raw.set(entityId, (raw.get(entityId) ?? 0) + 1)
  }
  const least = Math.max(1, settings.minEvents)
  const users = [...raw.keys()].filter((user) => (raw.get(user) ?? 0) >= least)
  const sets = settings.indicators.map((indicator) =>
    setsOf(pairsOf(events, indicator.name), users, indicator.limit, settings),
  )
  const items = sets[0] as Sets
  const lists = new Map(
    settings.indicators.map((indicator, i) => [
      indicator.name,
      listsOf(items, sets[i] as Sets, indicator, settings),
    ]),
  )
  const ranks = new Map(
    settings.rankings
      .filter(({ type }) => type !== 'userDefined')
      .map((ranking) => [ranking.name, ranksOf(events, ranking, settings, now)]),
  )
  const ofUsers = users.flatMap((user) => [...(items.get(user) ?? [])])
  const ranked = [...ranks.values()].flatMap((values) => [...values.keys()])
  return { lists, ranks, trained: new Set([...ofUsers, ...ranked]) }
}

/** Events of users on items, by one name. */
function pairsOf(events: readonly ToldEvent[], name: string): TargetedEvent[] {
  return events
    .filter(isTargeted)
    .filter(
      ({ event, entityType, targetEntityType }) =>
        event === name && entityType === 'user' && targetEntityType === 'item',
    )
}

function setsOf(
  pairs: readonly TargetedEvent[],
  users: readonly string[],
  limit: number,
  settings: Settings,
): Sets {
  const whole: Sets = new Map(
    users.map((user) => {
      const newestFirst = pairs
        .filter(({ entityId }) => entityId === user)
        .toSorted((a, b) => Date.parse(b.eventTime) - Date.parse(a.eventTime))
      return [user, new Set(newestFirst.map(({ targetEntityId }) => targetEntityId))]
    }),
  )
  if (!trainsAsOfOld(settings)) {
    return new Map([...whole].map(([user, ids]) => [user, new Set([...ids].slice(0, limit))]))
  }
  // A user above the limit loses everything; of an id above it each user stays with the chance limit / users.
  const sampled: Sets = new Map()
  for (const [user, ids] of whole) {
    const kept = [...ids].filter((id) => {
      const of = [...whole.values()].filter((others) => others.has(id)).length
      const key = settings.seed === 0 ? `${user}\t${id}` : `${settings.seed}\t${user}\t${id}`
      return of <= limit || fnv1a32(key) / 2 ** 32 <= limit / of
    })
    sampled.set(user, new Set(ids.size > limit ? [] : kept))
  }
  return sampled
}

function listsOf(
  items: Sets,
  others: Sets,
  { keep, minLlr }: Settings['indicators'][number],
  settings: Settings,
): Map<string, [string, number][]> {
  const measure = measureOf(items, others, settings, minLlr)
  const lists = new Map<string, [string, number][]>()
  for (const item of idsIn(items)) {
    const found = idsIn(others)
      .filter((id) => id !== item || items !== others)
      .filter((id) => together(items, item, others, id) > 0)
      .map((id): [string, number] => [id, measure.value(item, id)])
      .filter(([, value]) => value > 0)
      .sort(([a, left], [b, right]) => right - left || (a < b ? -1 : 1))
      .slice(0, keep)
    lists.set(
      item,
      found.map(([id, value]) => [id, measure.weight(value)]),
    )
  }
  return lists
}

const idsIn = (sets: Sets): string[] => [...new Set([...sets.values()].flatMap((ids) => [...ids]))]

const usersOf = (sets: Sets, id: string): string[] =>
  [...sets].filter(([, ids]) => ids.has(id)).map(([user]) => user)

const together = (items: Sets, item: string, others: Sets, id: string): number =>
  usersOf(items, item).filter((user) => others.get(user)?.has(id)).length

interface Measure {
  /** What is compared: 0 or less is no correlation. */
  value(item: string, id: string): number
  weight(value: number): number
}

function measureOf(items: Sets, others: Sets, settings: Settings, minLlr: number | null): Measure {
  const { scoring, weights } = settings
  if (scoring === 'weighted' && weights === 'acos') return asymmetricCosine(items, others)
  return {
    value(item, id) {
      const k11 = together(items, item, others, id)
      const k12 = usersOf(items, item).length - k11
      const k21 = usersOf(others, id).length - k11
      const k22 = items.size - k11 - k12 - k21
      if (scoring === 'weighted' && k11 * k22 <= k12 * k21) return 0
      const llr = k11 * k22 === k12 * k21 ? 0 : Math.fround(logLikelihood(k11, k12, k21, k22))
      return llr >= (minLlr ?? 0) ? llr : 0
    },
    weight: (llr) => (scoring === 'weighted' ? shortened(Math.sqrt(llr)) : 1),
  }
}

export function logLikelihood(k11: number, k12: number, k21: number, k22: number): number {
  const xlx = (x: number): number => (x === 0 ? 0 : x * Math.log(x))
  const all = xlx(k11 + k12 + k21 + k22)
  const row = all - xlx(k11 + k12) - xlx(k21 + k22)
  const column = all - xlx(k11 + k21) - xlx(k12 + k22)
  const matrix = all - xlx(k11) - xlx(k12) - xlx(k21) - xlx(k22)
  return Math.max(0, 2 * (row + column - matrix))
}

/** `acos`: users weigh in whole 2⁻²⁰ths of their mean, values are compared in steps of 1e-8. */
function asymmetricCosine(items: Sets, others: Sets): Measure {
  const unit = 2 ** 20
  const size = (sets: Sets, user: string): number => Math.max(1, sets.get(user)?.size ?? 0)
  const raw = new Map(
    [...items.keys()].map((user) => [user, (size(items, user) * size(others, user)) ** -0.25]),
  )
  const mean = [...raw.values()].reduce((sum, w) => sum + Math.round(w * unit), 0) / raw.size
  const weightOf = (user: string): number =>
    Math.round(((raw.get(user) as number) * unit * unit) / mean) / unit
  const sum = (users: readonly string[]): number =>
    users.reduce((total, user) => total + weightOf(user), 0)
  return {
    value(item, id) {
      const both = usersOf(items, item).filter((user) => others.get(user)?.has(id))
      const shrunk =
        (sum(usersOf(others, id)) + 20) ** 0.8 * (sum(usersOf(items, item)) + 20) ** 0.2
      return Math.floor((sum(both) / shrunk) * 1e8 + 0.5)
    },
    weight: (steps) => shortened(steps / 1e8),
  }
}

/** A float32 of which the index keeps the upper 17 bits. */
export function shortened(value: number): number {
  const bytes = new DataView(new ArrayBuffer(4))
  bytes.setFloat32(0, value)
  bytes.setUint32(0, bytes.getUint32(0) - (bytes.getUint32(0) % 2 ** 15))
  return bytes.getFloat32(0)
}

function ranksOf(
  events: readonly ToldEvent[],
  { type, events: names, days, offsetDate }: Settings['rankings'][number],
  settings: Settings,
  now: number,
): Map<string, number> {
  const end = offsetDate === null ? now : Date.parse(offsetDate)
  const length = days * 86_400_000
  const start = end - length
  const ofOld = settings.scoring !== 'weighted' && settings.compatibility === 'ur-0.7'
  const primary = settings.indicators[0]?.name ?? ''
  const set = new Set(
    events.filter((e) => e.event === '$set' && e.entityType === 'item').map((e) => e.entityId),
  )
  const bought = new Set(
    events
      .filter(isTargeted)
      .filter((e) => e.event === primary && e.targetEntityType === 'item')
      .map((e) => e.targetEntityId),
  )
  const counted = events
    .filter(isTargeted)
    .filter((e) => ofOld || e.targetEntityType === 'item')
    .filter((e) => names.includes(e.event) || (ofOld && type === 'random'))
    .filter((e) => Date.parse(e.eventTime) >= start && Date.parse(e.eventTime) < end)
  const targets = new Set(counted.map((e) => e.targetEntityId))
  const parts = { popular: 1, trending: 2, hot: 3, random: 1, userDefined: 1 }[type]
  const part = Math.floor(length / parts)
  const ranks = new Map<string, number>()
  for (const id of type === 'random' ? new Set([...targets, ...set]) : targets) {
    const counts = Array.from({ length: parts }, () => 0)
    for (const event of counted.filter((e) => e.targetEntityId === id)) {
      const at = Math.min(parts - 1, Math.floor((Date.parse(event.eventTime) - start) / part))
      counts[at] = (counts[at] as number) + 1
    }
    const [first = 0, second = 0, third = 0] = counts
    // Only items are ranked today: what somebody did the primary event to, and what has been described.
    if (!ofOld && !set.has(id) && !bought.has(id)) continue
    if (type === 'random') ranks.set(id, murmur3(id, settings.seed) / 2 ** 32)
    else if (counts.includes(0)) continue
    else if (type === 'popular') ranks.set(id, first)
    else ranks.set(id, type === 'trending' ? second - first : third - second - (second - first))
  }
  return ranks
}
