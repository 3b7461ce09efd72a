// Each app and channel has a number of its own in the store, a count of its live events, and what the writer has to know
// of the ids it has seen.
import type { Table, Tables } from './environment.ts'
import { behind, keyOf, tenantKey } from './keys.ts'

export interface TenantRow {
  readonly number: number
  /** Live events. */
  readonly count: number
  /** Greatest ascending id; a greater one was never seen. Empty when there is none. */
  readonly lastId: string
  /** Some identity has ended: appends are remembered in `ended`. */
  readonly hasEnded: boolean
}

/** What the writer keeps of a tenant between transactions. */
export interface Tenant {
  readonly app: number
  readonly channel: number
  readonly number: number
  /** The number as the first bytes of each key. */
  readonly prefix: Buffer
  count: number
  lastId: string
  hasEnded: boolean
  changed: boolean
}

export function readTenant(tenants: Table, app: number, channel: number): TenantRow | null {
  const row = tenants.get(keyOf(app, channel))
  return row === undefined ? null : (JSON.parse(row.toString()) as TenantRow)
}

/** The channels of an app that were ever written to. */
export function tenantsOf(
  tenants: Table,
  app: number,
): { readonly channel: number; readonly row: TenantRow }[] {
  const prefix = tenantKey(app)
  const found = tenants.getRange({ start: prefix, end: behind(prefix) })
  return [...found].map(({ key, value }) => ({
    channel: key.readUInt32BE(4),
    row: JSON.parse(value.toString()) as TenantRow,
  }))
}

/** Every app and channel that was ever written to. */
export function allTenants(
  tenants: Table,
): { readonly app: number; readonly channel: number; readonly count: number }[] {
  return [...tenants.getRange({})].map(({ key, value }) => {
    const { count } = JSON.parse(value.toString()) as TenantRow
    return { app: key.readUInt32BE(0), channel: key.readUInt32BE(4), count }
  })
}

export interface Tenants {
  /** The tenant, made now if it is new. Inside a transaction. */
  of(app: number, channel: number): Tenant
  /** All tenants of an app (one channel of it, or all). */
  all(app: number, channel: number | null): Tenant[]
  /** Writes what has changed. Inside a transaction. */
  save(): void
}

const NEXT = Buffer.from('tenants')

export function createTenants({ tenants, meta }: Pick<Tables, 'tenants' | 'meta'>): Tenants {
  const apps = new Map<number, Map<number, Tenant>>()
  let last: Tenant | null = null
  const load = (app: number, channel: number): Tenant => {
    const row = readTenant(tenants, app, channel)
    const number = row?.number ?? nextNumber(meta)
    const tenant: Tenant = {
      app,
      channel,
      number,
      prefix: tenantKey(number),
      count: row?.count ?? 0,
      lastId: row?.lastId ?? '',
      hasEnded: row?.hasEnded ?? false,
      changed: row === null,
    }
    const channels = apps.get(app) ?? new Map<number, Tenant>()
    apps.set(app, channels)
    channels.set(channel, tenant)
    return tenant
  }
  const of = (app: number, channel: number): Tenant => {
    if (last !== null && last.app === app && last.channel === channel) return last
    last = apps.get(app)?.get(channel) ?? load(app, channel)
    return last
  }
  const save = (): void => {
    for (const channels of apps.values()) {
      for (const tenant of channels.values()) {
        if (!tenant.changed) continue
        const { number, count, lastId, hasEnded } = tenant
        const row: TenantRow = { number, count, lastId, hasEnded }
        tenants.putSync(keyOf(tenant.app, tenant.channel), Buffer.from(JSON.stringify(row)))
        tenant.changed = false
      }
    }
  }
  return {
    of,
    save,
    all: (app, channel) => {
      save()
      return tenantsOf(tenants, app)
        .filter((found) => channel === null || found.channel === channel)
        .map((found) => of(app, found.channel))
    },
  }
}

function nextNumber(meta: Table): number {
  const number = (meta.get(NEXT)?.readUInt32BE() ?? 0) + 1
  meta.putSync(NEXT, tenantKey(number))
  return number
}
