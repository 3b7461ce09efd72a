// A query as the reference takes it: the members of a body, in the words of the Universal Recommender.
import type { Json, JsonObject } from '#schemas/json'
import type { Rule, Settings } from './settings.ts'

export interface DateRange {
  readonly name: string
  readonly after?: string
  readonly before?: string
}

export interface ReferenceQuery {
  readonly user?: string
  readonly history?: readonly {
    readonly event: string
    readonly item: string
    readonly eventTime?: string
  }[]
  readonly item?: string
  readonly itemSet?: readonly string[]
  readonly userBias?: number
  readonly itemBias?: number
  readonly itemSetBias?: number
  readonly fields?: readonly Rule[]
  readonly dateRange?: DateRange | readonly DateRange[]
  readonly currentDate?: string
  readonly blacklistItems?: readonly string[]
  readonly returnSelf?: boolean
  readonly num?: number
  readonly from?: number
  readonly eventNames?: readonly string[]
}

/** The body of a query, in the dialect of its engine. */
export function bodyOf(query: ReferenceQuery, { compatibility }: Settings): JsonObject {
  const body = { ...query } as Record<string, Json>
  if (compatibility !== 'harness-0.6') return body
  const names = { fields: 'rules', eventNames: 'indicatorNames' }
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [
      name in names ? names[name as keyof typeof names] : name,
      value,
    ]),
  )
}
