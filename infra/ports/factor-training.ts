// Factors of users and items by alternating least squares, fitted where the rows are.
import type { Closable } from './lifecycle.ts'
import type { SqlOptions } from './sql-session.ts'

export interface FactorParameters {
  /** Numbers a user and an item have. */
  readonly rank: number
  readonly iterations: number
  /** λ, above 0 or 0. */
  readonly regularisation: number
  /**
   * Of implicit feedback: how much more a rating of 1 is trusted than none (Hu, Koren and Volinsky 2008). Null: the ratings are
   * what users have said.
   */
  readonly alpha: number | null
  /** The same seed and rows, in the same files, give the same factors. */
  readonly seed: number
}

export interface FactorBatch {
  readonly ids: Int32Array
  /** `rank` numbers of the first id, then of the second, … */
  readonly factors: Float32Array
}

/** What was fitted stays on the server until it is closed, or its session. */
export interface FittedFactors extends Closable {
  users(options?: SqlOptions): AsyncIterable<FactorBatch>
  items(options?: SqlOptions): AsyncIterable<FactorBatch>
}

/** Errors are those of `SqlSession`. */
export interface FactorTraining {
  /** @param query rows `user int, item int, rating float`, one a pair */
  fitFactors(
    query: string,
    parameters: FactorParameters,
    options?: SqlOptions,
  ): Promise<FittedFactors>
}
