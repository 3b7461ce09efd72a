// The recording of a real PredictionIO 0.14.0 event server: one request and its reply a line, to be replayed in order.
import { readFileSync } from 'node:fs'

export interface ContractCase {
  readonly name: string
  readonly request: {
    readonly method: string
    readonly path: string
    readonly query: string
    readonly headers: readonly (readonly [string, string])[]
    readonly body?: string | null
    readonly bodyHex?: string
    readonly bodyGen?: {
      readonly prefix: string
      readonly fill: string
      readonly count: number
      readonly suffix: string
    }
    readonly chunked?: boolean
    readonly rawQuestion?: boolean
  }
  /** Variables that later cases use, and the member of this reply's body that each is. */
  readonly capture?: Readonly<Record<string, string>>
  readonly response: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
  }
}

export function readContract(): readonly ContractCase[] {
  const file = new URL('./fixtures/pio-contract.jsonl', import.meta.url)
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as ContractCase)
}

/** Event ids that requests of the recording name themselves; all others are the server's. */
export function clientIds(cases: readonly ContractCase[]): ReadonlySet<string> {
  const ids = new Set([''])
  for (const { request } of cases) {
    for (const match of (request.body ?? '').matchAll(/"eventId":\s*(?:"([^"]*)"|(\d+))/g)) {
      ids.add(match[1] ?? (match[2] as string))
    }
  }
  return ids
}
