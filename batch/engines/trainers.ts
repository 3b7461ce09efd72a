import { UNIVERSAL } from '#schemas/engines/universal'
import type { Trainer } from './trainer.ts'
import { trainUniversal } from './universal/local.ts'

/** The training half of each engine, by the name of its factory. */
export const TRAINERS: Readonly<Record<string, Trainer>> = {
  [UNIVERSAL]: trainUniversal,
}
