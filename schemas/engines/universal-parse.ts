// engine.json of the universal engine → its parameters, with every default filled in. Each parameter of the Universal
// Recommender 0.7 is read; what is unknown is refused rather than ignored.
import type { JsonObject } from '../json.ts'
import { SCORINGS } from '../query.ts'
import { Parameters } from './parameters.ts'
import {
  COMPATIBILITIES,
  type EventWindow,
  type FieldDefault,
  type Indicator,
  RECS_MODELS,
  type UniversalParams,
  WEIGHTS,
  type Weights,
} from './universal.ts'
import { oldQueryLimit, parseIndicators } from './universal-indicators.ts'
import { durationOf, parseRankings } from './universal-rankings.ts'

export const DATASOURCE = [
  'name',
  'appName',
  'eventNames',
  'minEventsPerUser',
  'eventWindow',
] as const

export const ALGORITHM = [
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
  const scoring = ur.oneOf('scoring', SCORINGS) ?? 'weighted'
  // Who asks for a scoring of old gets the queries of old with it, unless told otherwise.
  const compatibility =
    ur.oneOf('compatibility', COMPATIBILITIES) ?? (scoring === 'weighted' ? 'none' : 'ur-0.7')
  const indicators = parseIndicators({ source, ur, file, compatibility })
  const eventsOf = (names: readonly string[]): readonly string[] => rawEvents(names, indicators)
  const recsModel = ur.oneOf('recsModel', RECS_MODELS) ?? 'all'
  const rankings = parseRankings(ur, indicators[0].name, file)
  checkUnused(ur)
  return {
    appName: appNameOf(source, ur),
    indicators,
    minEventsPerUser: source.integer('minEventsPerUser', { min: 0, max: 1_000_000 }) ?? 1,
    scoring,
    weights: weightsOf(ur, scoring, indicators),
    compatibility,
    num: ur.integer('num', { min: 1, max: PAGE_MAX }) ?? DEFAULT_NUM,
    blacklistEvents: blacklistOf(ur, indicators),
    userBias: ur.number('userBias') ?? 1,
    itemBias: ur.number('itemBias') ?? 1,
    itemSetBias: ur.number('itemSetBias') ?? 1,
    returnSelf: ur.boolean('returnSelf') ?? false,
    fields: fieldsOf(ur, file),
    rankings:
      recsModel === 'collabFiltering'
        ? []
        : rankings.map((one) => ({ ...one, eventNames: eventsOf(one.eventNames) })),
    recsModel,
    eventWindow: eventWindowOf(source, file),
    oldQueryLimit: oldQueryLimit(ur, compatibility),
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

/** Named by their indicator, where they have one. */
function blacklistOf(
  ur: Parameters,
  indicators: readonly [Indicator, ...Indicator[]],
): readonly string[] {
  const names = ur.strings('blacklistEvents') ?? [indicators[0].name]
  for (const [i, name] of names.entries()) {
    const owner = indicators.find((one) => one.name !== name && one.events.includes(name))
    if (owner === undefined) continue
    const reason = `"${name}" is an alias of the indicator "${owner.name}"`
    ur.refuse(`blacklistEvents[${i}]`, reason, `Write "${owner.name}", or remove the alias.`)
  }
  return names
}

/** Names in events: an indicator's aliases stand beside its own. */
function rawEvents(names: readonly string[], indicators: readonly Indicator[]): readonly string[] {
  const events = names.flatMap(
    (name) => indicators.find((indicator) => indicator.name === name)?.events ?? [name],
  )
  return [...new Set(events)]
}

function eventWindowOf(source: Parameters, file: string): EventWindow {
  if (!source.has('eventWindow')) return { duration: null, removeDuplicates: false }
  const names = ['duration', 'removeDuplicates', 'compressProperties']
  const path = source.pathOf('eventWindow')
  const window: Parameters = new Parameters(file, path, source.value('eventWindow'), { names })
  // What an item's `$set`s come to is kept all the time; there is nothing to compress.
  window.boolean('compressProperties')
  const duration = window.value('duration')
  return {
    duration: duration === undefined ? null : durationOf(window, duration),
    removeDuplicates: window.boolean('removeDuplicates') ?? false,
  }
}

/** These steer machinery of old that is not here: they may stand, and are only checked. */
function checkUnused(ur: Parameters): void {
  ur.string('indexName')
  ur.string('typeName')
  ur.integer('numESWriteConnections', { min: 1, max: 1e9 })
}

/** `minLLR` is a limit on LLR: an engine that has one is weighed by LLR unless it says otherwise. */
function weightsOf(ur: Parameters, scoring: string, indicators: readonly Indicator[]): Weights {
  ur.notBuilt('weights', ['cosine', 'ease'], 'Write "acos" or "llr".')
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
