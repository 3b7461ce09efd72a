// `indicators` of the universal engine, or `eventNames` in their place: which events are evidence, and how many of them.
import type { Json, JsonObject } from '../json.ts'
import { Parameters } from './parameters.ts'
import { type Compatibility, type Indicator, ITEMS_PER_USER_MAX } from './universal.ts'

const INDICATORS_MAX = 32
const ALIASES_MAX = 100
const CORRELATORS = { min: 1, max: 1000 }
const ITEMS_PER_USER = { min: 1, max: ITEMS_PER_USER_MAX }
const DEFAULT_ITEMS_PER_USER = 500
const DEFAULT_CORRELATORS = 50
/** What the old engines read of each event in a query where engine.json says nothing. */
const OLD_QUERY_ITEMS = 100

export interface IndicatorsInput {
  readonly source: Parameters
  readonly ur: Parameters
  readonly file: string
  readonly compatibility: Compatibility
}

/**
 * The indicators, the primary one first.
 * @throws EngineJsonError
 */
export function parseIndicators(input: IndicatorsInput): readonly [Indicator, ...Indicator[]] {
  const { compatibility, file, source } = input
  const ur: Parameters = input.ur
  const listed = ur.list('indicators')
  const shortcut = ur.strings('eventNames')
  const sourced = source.strings('eventNames')
  const perType = ur.integer('maxEventsPerEventType', ITEMS_PER_USER)
  const correlators = ur.integer('maxCorrelatorsPerEventType', CORRELATORS)
  // With `eventNames` the Universal Recommender read a hundred events of each in a query, whatever the training took.
  const inQuery = compatibility === 'ur-0.7' && shortcut !== null ? OLD_QUERY_ITEMS : null
  const most = queryEventsMax(ur, compatibility)
  const limited = (indicator: Indicator): Indicator => ({
    ...indicator,
    maxQueryItems: Math.min(inQuery ?? indicator.maxQueryItems, most),
  })
  const itemsPerUser = perType ?? DEFAULT_ITEMS_PER_USER
  const found: Indicator[] =
    listed === null
      ? (shortcut ?? sourced ?? []).map((name) =>
          limited({
            name,
            events: [name],
            maxItemsPerUser: itemsPerUser,
            maxQueryItems: itemsPerUser,
            maxCorrelatorsPerItem: correlators ?? DEFAULT_CORRELATORS,
            minLlr: null,
          }),
        )
      : listed.map((value, i) =>
          limited(indicatorOf(file, ur.pathOf('indicators', i), value, compatibility)),
        )
  const [first, ...rest] = found
  if (first === undefined) {
    const mend = 'Write "indicators": [{ "name": "purchase" }], the primary event first.'
    ur.refuse('indicators', 'there is no indicator: at least one event name is needed', mend)
  }
  checkNames(found, ur)
  if (sourced !== null) checkAgreement(found, sourced, source)
  if (listed !== null && shortcut !== null) checkAgreement(found, shortcut, ur)
  return [first, ...rest]
}

/**
 * Where the old engine cut its lists for a query, whatever stands under `maxQueryEvents`; null where it cut nothing.
 * With `indicators` it reckoned the limit itself, and what was configured had no effect.
 */
export function oldQueryLimit(ur: Parameters, compatibility: Compatibility): number | null {
  if (compatibility !== 'ur-0.7') return null
  const listed = ur.list('indicators')
  if (ur.has('eventNames')) return ur.number('maxQueryEvents') ?? OLD_QUERY_ITEMS
  if (listed === null) return null
  const itemsPerUser = listed.map(itemsPerUserOf)
  return 10 * itemsPerUser.reduce((sum, one) => sum + one, 0)
}

const itemsPerUserOf = (indicator: Json): number => {
  const value = (indicator as JsonObject).maxItemsPerUser
  return typeof value === 'number' ? value : OLD_QUERY_ITEMS
}

/** Today `maxQueryEvents` is what its name says; of old it cut something else (see the planner). */
function queryEventsMax(ur: Parameters, compatibility: Compatibility): number {
  const most = ur.integer('maxQueryEvents', { min: 1, max: 1e9 })
  return compatibility === 'none' ? (most ?? ITEMS_PER_USER_MAX) : ITEMS_PER_USER_MAX
}

function indicatorOf(
  file: string,
  path: string,
  value: Json,
  compatibility: Compatibility,
): Indicator {
  const known = {
    names: ['name', 'aliases', 'maxItemsPerUser', 'maxCorrelatorsPerItem', 'minLLR'],
    foreign: { maxIndicatorsPerQuery: 'Write "maxItemsPerUser" instead.' },
  }
  const one: Parameters = new Parameters(file, path, value, known)
  const name = one.string('name')
  if (name === null) one.refuse('name', 'the event name is missing', 'Write "name": "…"')
  const minLlr = one.number('minLLR')
  if (minLlr !== null && minLlr < 0) {
    one.refuse('minLLR', `this must not be negative, as ${minLlr} is`, 'Write 0 or more.')
  }
  const aliases = one.strings('aliases') ?? []
  if (aliases.length > ALIASES_MAX) {
    const reason = `there are ${aliases.length} aliases; at most ${ALIASES_MAX} are allowed`
    one.refuse('aliases', reason, 'Remove some.')
  }
  const itemsPerUser = one.integer('maxItemsPerUser', ITEMS_PER_USER)
  const inQuery = compatibility === 'harness-0.6' ? OLD_QUERY_ITEMS : DEFAULT_ITEMS_PER_USER
  return {
    name,
    events: [...new Set([name, ...aliases])],
    maxItemsPerUser: itemsPerUser ?? DEFAULT_ITEMS_PER_USER,
    maxQueryItems: itemsPerUser ?? inQuery,
    maxCorrelatorsPerItem: one.integer('maxCorrelatorsPerItem', CORRELATORS) ?? DEFAULT_CORRELATORS,
    minLlr,
  }
}

function checkNames(indicators: readonly Indicator[], ur: Parameters): void {
  const names = indicators.map(({ name }) => name)
  if (names.length > INDICATORS_MAX) {
    const reason = `there are ${names.length} indicators; at most ${INDICATORS_MAX} are allowed`
    ur.refuse('indicators', reason, 'Remove the least useful ones.')
  }
  for (const [i, name] of names.entries()) {
    if (names.indexOf(name) < i) {
      ur.refuse(`indicators[${i}].name`, `"${name}" is here twice`, 'Remove one of them.')
    }
  }
  const owners = new Map<string, string>()
  for (const [i, { name, events }] of indicators.entries()) {
    const at = `indicators[${i}].${events.length > 1 ? 'aliases' : 'name'}`
    for (const event of events) {
      if (event.startsWith('$')) {
        ur.refuse(at, `"${event}" changes properties and is no evidence`, 'Name another event.')
      }
      const owner = owners.get(event)
      if (owner !== undefined) {
        ur.refuse(at, `"${event}" belongs to the indicator "${owner}" already`, 'Remove it.')
      }
      owners.set(event, name)
    }
  }
}

/** Two lists of event names must say the same: the same names, and the same primary one. */
function checkAgreement(
  indicators: readonly Indicator[],
  names: readonly string[],
  at: Parameters,
): void {
  const own = indicators.map(({ name }) => name)
  const same = own.length === names.length && own.every((name) => names.includes(name))
  if (same && own[0] === names[0]) return
  const mend = `Write [${own.map((name) => `"${name}"`).join(', ')}], or leave it out.`
  at.refuse('eventNames', 'these are not the events of the indicators, the primary one first', mend)
}
