import { UNIVERSAL } from '#schemas/engines/universal'
import type { Trainer } from './trainer.ts'
import { trainUniversal } from './universal/local.ts'
import { trainUniversalInSql } from './universal/spark.ts'

/** Engines that can be trained in SQL, by the name of their factory. */
export const SQL_TRAINERS: Readonly<Record<string, Trainer>> = {
  [UNIVERSAL]: trainUniversalInSql,
}

/** The training half of each engine, by the name of its factory. */
export const TRAINERS: Readonly<Record<string, Trainer>> = {
  [UNIVERSAL]: trainUniversal,
}
