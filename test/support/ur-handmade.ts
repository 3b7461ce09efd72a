// The model that the Universal Recommender makes of its own test data, and answers computed for it by a reference program
// with global statistics. Built by hand here, so that the index is tested apart from the trainer.
import type { ItemIndex } from '#ports/item-index'
import type { EvidenceClause, FieldRule, ScoredQuery } from '#schemas/query'
import { clause, itemState, makeModel, scoredQuery, VERSION } from './item-index-fixture.ts'

const ones = (...ids: string[]): Record<string, number> =>
  Object.fromEntries(ids.map((id) => [id, 1]))

const MODEL = makeModel({
  items: ['Iphone 6', 'Iphone 5', 'Iphone 4', 'Ipad-retina', 'Nexus', 'Galaxy', 'Surface'],
  lists: {
    purchase: {
      'Iphone 6': ones('Ipad-retina', 'Iphone 4'),
      'Iphone 4': ones('Iphone 6', 'Ipad-retina'),
      'Ipad-retina': ones('Iphone 6', 'Iphone 4'),
    },
    view: {
      'Iphone 6': ones('Soap'),
      'Iphone 4': ones('Soap', 'Tablets'),
      'Ipad-retina': ones('Soap'),
      Nexus: ones('Tablets'),
    },
    'category-pref': {
      'Iphone 6': ones('tablets'),
      'Iphone 4': ones('tablets'),
      'Ipad-retina': ones('tablets'),
      Nexus: ones('tablets'),
    },
  },
  rankings: {
    popRank: {
      'Iphone 5': 9,
      Galaxy: 8,
      'Iphone 4': 4,
      'Iphone 6': 2,
      'Ipad-retina': 2,
      Nexus: 2,
      Surface: 2,
    },
  },
})

const DAY = 86_400_000
const NOW = Date.parse('2025-01-01T00:00:01.000Z')
const iso = (days: number): string => new Date(Date.parse('2025-01-01') + days * DAY).toISOString()

const CATEGORIES: Record<string, string[]> = {
  'Iphone 6': ['Phones', 'Electronics', 'Apple'],
  'Iphone 5': ['Phones', 'Electronics', 'Apple'],
  'Iphone 4': ['Phones', 'Electronics', 'Apple'],
  'Ipad-retina': ['Tablets', 'Electronics', 'Apple'],
  Nexus: ['Tablets', 'Electronics', 'Google'],
  Galaxy: ['Phones', 'Electronics', 'Samsung'],
  Surface: ['Tablets', 'Electronics', 'Microsoft'],
}

const COUNTRIES: Record<string, string[]> = {
  'Iphone 4': ['United States', 'Canada', 'Estados Unidos Mexicanos'],
  'Ipad-retina': ['United States', 'Estados Unidos Mexicanos'],
  Nexus: ['United States', 'Canada'],
  Galaxy: ['United States'],
  Surface: ['United States', 'Canada'],
}

/** Publishes the model and tells the items, as they are at the moment of the queries. */
export async function openHandmade(index: ItemIndex): Promise<void> {
  await index.publish({ ...VERSION, primaryEvents: ['purchase'] }, MODEL)
  const dated = ['Iphone 6', 'Ipad-retina', 'Nexus', 'Surface', 'Iphone 4', 'Galaxy', 'Iphone 5']
  await index.applyItems(
    VERSION.app,
    dated.map((item, i) => {
      const days = -2.4 + 0.8 * i
      const dates = { date: iso(days), available: iso(days - 2), expires: iso(days + 2) }
      const countries = COUNTRIES[item]
      return itemState(item, i, {
        categories: CATEGORIES[item] ?? [],
        ...(countries === undefined ? {} : { countries }),
        ...dates,
      })
    }),
  )
}

const IN_SALE: ScoredQuery['dates'] = [
  { field: 'available', after: null, before: NOW, includeBefore: true },
  { field: 'expires', after: NOW, before: null, includeBefore: false },
]

interface HandmadeCase {
  readonly id: string
  readonly query: ScoredQuery
  readonly expected: readonly (readonly [item: string, score: number])[]
}

function handmade(
  id: string,
  parts: Partial<ScoredQuery>,
  expected: HandmadeCase['expected'],
): HandmadeCase {
  const query = scoredQuery({ scoring: 'global', dates: IN_SALE, num: 4, ...parts })
  return { id, query, expected }
}

const rule = (field: string, bias: number, ...values: string[]): FieldRule => ({
  field,
  values,
  bias,
})

const history = (
  purchase: string[],
  view: string[],
  pref: string[],
): { evidence: EvidenceClause[]; excludeIds: string[] } => ({
  evidence: [clause('purchase', purchase), clause('view', view), clause('category-pref', pref)],
  excludeIds: purchase,
})

const U1 = history(
  ['Iphone 6', 'Iphone 5', 'Iphone 4', 'Ipad-retina', 'Galaxy'],
  ['Phones', 'Mobile-acc', 'Soap'],
  ['phones', 'tablets'],
)
const USER_2 = history(
  ['Nexus', 'Galaxy', 'Iphone 5'],
  ['Phones', 'Tablets', 'Mobile-acc'],
  ['tablets', 'phones'],
)
const U_3 = history(['Surface'], ['Mobile-acc'], ['tablets'])
const U5 = history([], ['Soap'], ['toiletries'])
const IPHONE_4 = {
  evidence: [
    clause('purchase', ['Iphone 6', 'Ipad-retina'], { source: 'item' as const }),
    clause('view', ['Soap', 'Tablets'], { source: 'item' as const }),
    clause('category-pref', ['tablets'], { source: 'item' as const }),
  ],
}
const MEXICO = 'Estados Unidos Mexicanos'

export const handmadeCases: readonly HandmadeCase[] = [
  handmade('a user with history', USER_2, [
    ['Iphone 4', 0.7985077],
    ['Ipad-retina', 0.105360515],
    ['Surface', 0],
  ]),
  handmade('similar items', { ...IPHONE_4, excludeIds: ['Iphone 4'] }, [
    ['Ipad-retina', 0.9320391],
    ['Nexus', 0.7985077],
    ['Galaxy', 0],
    ['Surface', 0],
  ]),
  handmade('nothing known', {}, [
    ['Galaxy', 0],
    ['Iphone 4', 0],
    ['Ipad-retina', 0],
    ['Nexus', 0],
  ]),
  handmade(
    'a boost and a filter',
    {
      rules: [rule('categories', 1.05, 'Tablets'), rule('countries', -1, MEXICO)],
    },
    [
      ['Ipad-retina', 0.8680125],
      ['Iphone 4', 0],
    ],
  ),
  handmade(
    'a date range',
    {
      ...U1,
      dates: [
        { field: 'date', after: NOW - 1000 - DAY, before: NOW - 1000 + DAY, includeBefore: false },
      ],
    },
    [
      ['Nexus', 0.105360515],
      ['Surface', 0],
    ],
  ),
  handmade(
    'user and item',
    {
      evidence: [...U1.evidence, ...IPHONE_4.evidence],
      excludeIds: [...U1.excludeIds, 'Iphone 4'],
    },
    [
      ['Nexus', 0.9038682],
      ['Surface', 0],
    ],
  ),
  handmade('a strong boost', { ...U_3, rules: [rule('categories', 20, 'Tablets')] }, [
    ['Ipad-retina', 16.638931],
    ['Nexus', 16.638931],
    ['Iphone 4', 0.105360515],
    ['Galaxy', 0],
  ]),
  handmade(
    'excluded and boosted',
    {
      ...U_3,
      rules: [rule('categories', 0, 'Tablets'), rule('countries', 5, MEXICO)],
    },
    [
      ['Iphone 4', 4.482704],
      ['Galaxy', 0],
    ],
  ),
  handmade(
    'two values boosted',
    {
      ...U_3,
      rules: [
        rule('categories', 5, 'Tablets', 'Samsung'),
        rule('categories', -1, 'Phones'),
        rule('countries', 0, MEXICO),
      ],
    },
    [['Galaxy', 8.369883]],
  ),
  handmade('a second page', { ...U5, from: 2, num: 2 }, [
    ['Galaxy', 0],
    ['Nexus', 0],
  ]),
]
