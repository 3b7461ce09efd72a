// engine.json of the universal engine → its parameters, with every default filled in. Each parameter of the Universal
// Recommender 0.7 is read; what is not there yet is refused by name rather than ignored.
import type { Json, JsonObject } from '../json.ts'
import { SCORINGS } from '../query.ts'
import { Parameters } from './parameters.ts'
import {
  COMPATIBILITIES,
  type FieldDefault,
  type Indicator,
  ITEMS_PER_USER_MAX,
  type UniversalParams,
  WEIGHTS,
  type Weights,
} from './universal.ts'
import { parseRankings } from './universal-rankings.ts'

const DATASOURCE = ['name', 'appName', 'eventNames', 'minEventsPerUser', 'eventWindow'] as const

const ALGORITHM = [
  'appName',
  'indexName',
  'typeName',
  'eventNames',
  'indicators',
  'maxEventsPerEventType',
  'maxCorrelatorsPerEventType',
  'maxQueryEvents',
  'num',
  'blacklistEvents',
  'userBias',
  'itemBias',
  'itemSetBias',
  'returnSelf',
  'fields',
  'rankings',
  'backfillField',
  'recsModel',
  'availableDateName',
  'expireDateName',
  'dateName',
  'seed',
  'numESWriteConnections',
  'scoring',
  'weights',
  'compatibility',
] as const

const FOREIGN = {
  rules: 'Write "fields" instead.',
  blacklistIndicators: 'Write "blacklistEvents" instead.',
  indicatorNames: 'Write "eventNames" instead.',
}

const INDICATORS_MAX = 32
const CORRELATORS = { min: 1, max: 1000 }
const ITEMS_PER_USER = { min: 1, max: ITEMS_PER_USER_MAX }
const DEFAULT_ITEMS_PER_USER = 500
const DEFAULT_CORRELATORS = 50
const DEFAULT_NUM = 20
export const PAGE_MAX = 10_000

/**
 * The parameters in an engine.json.
 * @param file how its user named the file, for messages
 * @throws EngineJsonError (ENGINE_JSON_INVALID at the edges)
 */
export function parseUniversal(variant: JsonObject, file = 'engine.json'): UniversalParams {
  const top = new Parameters(file, '', variant, { names: Object.keys(variant) })
  const source = sectionOf(top, 'datasource', file)
  const ur = algorithmOf(top, file)
  const indicators = indicatorsOf(source, ur, file)
  const names = indicators.map(({ name }) => name)
  refuseUnbuilt(source, ur)
  const scoring = ur.oneOf('scoring', SCORINGS) ?? 'weighted'
  return {
    appName: appNameOf(source, ur),
    indicators,
    minEventsPerUser: source.integer('minEventsPerUser', { min: 0, max: 1_000_000 }) ?? 1,
    scoring,
    weights: weightsOf(ur, scoring, indicators),
    // Who asks for a scoring of old gets the queries of old with it, unless told otherwise.
    compatibility:
      ur.oneOf('compatibility', COMPATIBILITIES) ?? (scoring === 'weighted' ? 'none' : 'ur-0.7'),
    num: ur.integer('num', { min: 1, max: PAGE_MAX }) ?? DEFAULT_NUM,
    blacklistEvents: ur.strings('blacklistEvents') ?? names.slice(0, 1),
    userBias: ur.number('userBias') ?? 1,
    itemBias: ur.number('itemBias') ?? 1,
    itemSetBias: ur.number('itemSetBias') ?? 1,
    returnSelf: ur.boolean('returnSelf') ?? false,
    fields: fieldsOf(ur, file),
    rankings: parseRankings(ur, indicators[0].name, file),
    availableDateName: ur.string('availableDateName'),
    expireDateName: ur.string('expireDateName'),
    dateName: ur.string('dateName'),
    seed: ur.number('seed') ?? 0,
  }
}

function sectionOf(top: Parameters, name: string, file: string): Parameters {
  const inner = ['params']
  const section = new Parameters(file, name, top.value(name) ?? {}, { names: ['name', ...inner] })
  const params = section.value('params') ?? {}
  return new Parameters(file, `${name}.params`, params, { names: DATASOURCE })
}

function algorithmOf(top: Parameters, file: string): Parameters {
  const list = top.list('algorithms') ?? []
  if (list.length !== 1) {
    const mend = 'Write "algorithms": [{ "name": "ur", "params": { … } }]'
    top.refuse('algorithms', `there must be one algorithm, not ${list.length}`, mend)
  }
  const path = top.pathOf('algorithms', 0)
  const algorithm = new Parameters(file, path, list[0], { names: ['name', 'params'] })
  const name = algorithm.string('name')
  if (name !== 'ur') {
    const reason = name === null ? 'the name is missing' : `there is no algorithm "${name}"`
    algorithm.refuse('name', reason, 'Write "name": "ur"')
  }
  const known = { names: ALGORITHM, foreign: FOREIGN }
  return new Parameters(file, `${path}.params`, algorithm.value('params') ?? {}, known)
}

function appNameOf(source: Parameters, ur: Parameters): string {
  const first = source.string('appName')
  const second = ur.string('appName')
  const name = first ?? second
  if (name === null) {
    source.refuse('appName', 'the name of the app is missing', 'Write "appName": "…"')
  }
  if (second !== null && second !== name) {
    const reason = `"${second}" is not the app of datasource.params, "${name}"`
    ur.refuse('appName', reason, `Write "${name}", or leave it out.`)
  }
  return name
}

function indicatorsOf(
  source: Parameters,
  ur: Parameters,
  file: string,
): readonly [Indicator, ...Indicator[]] {
  const listed = ur.list('indicators')
  const shortcut = ur.strings('eventNames')
  const sourced = source.strings('eventNames')
  const perType = ur.integer('maxEventsPerEventType', ITEMS_PER_USER)
  const correlators = ur.integer('maxCorrelatorsPerEventType', CORRELATORS)
  const found: Indicator[] =
    listed === null
      ? (shortcut ?? sourced ?? []).map((name) => ({
          name,
          maxItemsPerUser: perType ?? DEFAULT_ITEMS_PER_USER,
          maxCorrelatorsPerItem: correlators ?? DEFAULT_CORRELATORS,
          minLlr: null,
        }))
      : listed.map((value, i) => indicatorOf(file, ur.pathOf('indicators', i), value))
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

function indicatorOf(file: string, path: string, value: Json): Indicator {
  const known = {
    names: ['name', 'maxItemsPerUser', 'maxCorrelatorsPerItem', 'minLLR'],
    foreign: {
      maxIndicatorsPerQuery: 'Write "maxItemsPerUser" instead.',
      aliases: 'Remove it: events of several names as one indicator are not built yet.',
    },
  }
  const one: Parameters = new Parameters(file, path, value, known)
  const name = one.string('name')
  if (name === null) one.refuse('name', 'the event name is missing', 'Write "name": "…"')
  const minLlr = one.number('minLLR')
  if (minLlr !== null && minLlr < 0) {
    one.refuse('minLLR', `this must not be negative, as ${minLlr} is`, 'Write 0 or more.')
  }
  return {
    name,
    maxItemsPerUser: one.integer('maxItemsPerUser', ITEMS_PER_USER) ?? DEFAULT_ITEMS_PER_USER,
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
    const at = `indicators[${i}].name`
    if (names.indexOf(name) < i) ur.refuse(at, `"${name}" is here twice`, 'Remove one of them.')
    if (name.startsWith('$')) {
      ur.refuse(at, `"${name}" changes properties and is no evidence`, 'Name another event.')
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

function refuseUnbuilt(source: Parameters, ur: Parameters): void {
  if (source.has('eventWindow')) {
    const mend = 'Remove it; a training reads all events of the app.'
    source.refuse('eventWindow', 'deleting old events at training is not built yet', mend)
  }
  if (ur.has('backfillField')) {
    const mend = 'Write "rankings": [{ "name": "popRank", "type": "popular" }] instead.'
    ur.refuse('backfillField', 'this is the name of version 0.3', mend)
  }
  const personal = 'Remove it: personal results come first, then those of the ranking.'
  ur.notBuilt('recsModel', ['backfill', 'collabFiltering'], personal)
  ur.oneOf('recsModel', ['all'])
  ur.notBuilt('weights', ['cosine', 'ease'], 'Write "acos" or "llr".')
  // These steer machinery of old that is not here: they may stand, and are only checked.
  ur.string('indexName')
  ur.string('typeName')
  ur.integer('maxQueryEvents', { min: 1, max: 1e9 })
  ur.integer('numESWriteConnections', { min: 1, max: 1e9 })
}

/** `minLLR` is a limit on LLR: an engine that has one is weighed by LLR unless it says otherwise. */
function weightsOf(ur: Parameters, scoring: string, indicators: readonly Indicator[]): Weights {
  const weights = ur.oneOf('weights', WEIGHTS)
  const limited = indicators.some(({ minLlr }) => minLlr !== null)
  if (weights === 'acos' && limited && scoring === 'weighted') {
    const mend = 'Write "weights": "llr", or remove minLLR.'
    ur.refuse('weights', 'minLLR needs the weights "llr"', mend)
  }
  return weights ?? (limited ? 'llr' : 'acos')
}

function fieldsOf(ur: Parameters, file: string): readonly FieldDefault[] {
  return (ur.list('fields') ?? []).map((value, i) => {
    const names = ['name', 'values', 'bias']
    const field: Parameters = new Parameters(file, ur.pathOf('fields', i), value, { names })
    const name = field.string('name')
    if (name === null) field.refuse('name', 'the property name is missing', 'Write "name": "…"')
    const values = field.strings('values') ?? []
    if (values.length === 0) field.refuse('values', 'there is no value', 'Write "values": ["…"]')
    const bias = field.number('bias')
    if (bias === null) {
      const mend = 'Write a number: below 0 only these, 0 none of these, above 0 a preference.'
      field.refuse('bias', 'the bias is missing', mend)
    }
    return { name, values, bias }
  })
}
