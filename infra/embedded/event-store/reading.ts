// What the reading functions share.
import type { Tables } from './environment.ts'
import type { Texts } from './texts.ts'

export interface Reading {
  readonly tables: Tables
  readonly texts: Texts
  /** Number of the tenant, or null when nothing of it was ever stored. */
  tenant(app: number, channel: number): number | null
}
