// The half of an engine that answers queries, as the server sees it: a body in, the text of an answer out.
import type { Clock } from '#ports/clock'
import type { EventStore } from '#ports/event-store'
import type { ItemIndex } from '#ports/item-index'
import type { Telemetry } from '#ports/telemetry'
import type { Engine, ModelVersion } from '#schemas/directory'
import type { Deadlines } from '../deadline.ts'

export interface QueryAnswer {
  /** JSON text. */
  readonly body: string
  /** Names of what the answer lacks, for `millrace-degraded`. */
  readonly degraded: readonly string[]
  /** What was ignored in the query, for `millrace-warning`. */
  readonly warnings: readonly string[]
}

export interface QueryHalf {
  /**
   * Answers a query.
   * @param body what the lenient JSON reader made of the body
   * @param deadline on the monotonic clock: what the answer waits for may take until then
   * @throws MillraceError QUERY_INVALID and other errors of the engine
   */
  answer(body: unknown, deadline: number): Promise<QueryAnswer>
}

export interface QueryHalfDeps {
  readonly store: EventStore
  readonly index: ItemIndex
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly deadlines: Deadlines
}

/** Makes the query half of one version of an engine; called again when engine or version change. */
export type QueryHalfFactory = (
  engine: Engine,
  version: ModelVersion,
  deps: QueryHalfDeps,
) => QueryHalf
