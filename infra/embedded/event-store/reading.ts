// What the reading functions share.
import type { Tables } from './environment.ts'
import { readTenant } from './tenants.ts'
import { createTexts, type Texts } from './texts.ts'

export interface Reading {
  readonly tables: Tables
  readonly texts: Texts
  /** Number of the tenant, or null when nothing of it was ever stored. */
  tenant(app: number, channel: number): number | null
}

export function createReading(tables: Tables): Reading {
  const numbers = new Map<string, number>()
  return {
    tables,
    texts: createTexts(tables),
    tenant: (app, channel) => {
      const name = `${app}/${channel}`
      const number = numbers.get(name) ?? readTenant(tables.tenants, app, channel)?.number
      if (number === undefined) return null
      numbers.set(name, number)
      return number
    },
  }
}
