// The directory: apps, access keys, channels, engines and model versions. It is the fold of the control log, held in the
// memory of every process. Each object has a revision (0 = absent); a record names the revisions it expects of all it
// touches; `fold` accepts the first and refuses the rest. See `directory-fold.ts` for the two pure functions.
import type { JsonObject } from './json.ts'
import type { Watermark } from './position.ts'

export interface App {
  readonly id: number
  readonly name: string
  readonly description: string | null
  readonly revision: number
}

export interface AccessKey {
  /** SHA-256 of the key's text, hex: what look-ups use. */
  readonly hash: string
  /** The key's text, sealed with the installation's secret (base64), or null where only hashes are kept. */
  readonly sealed: string | null
  readonly appId: number
  /** Event names the key may send; empty = all. */
  readonly events: readonly string[]
  readonly revision: number
}

export interface Channel {
  readonly id: number
  readonly appId: number
  readonly name: string
  readonly revision: number
}

export const VERSION_STATUSES = [
  'open',
  'active',
  'previous',
  'archived',
  'failed',
  'cancelled',
] as const
/**
 * open: being trained. active: answers. previous: answered before, its index kept current. archived: a model in files,
 * no index. failed, cancelled: closed without a model.
 */
export type VersionStatus = (typeof VERSION_STATUSES)[number]

export interface ModelVersion {
  readonly id: string
  readonly engineId: string
  readonly status: VersionStatus
  readonly openedAt: number
  readonly closedAt: number | null
  /** The engine's parameters as they were when the version was opened. */
  readonly variant: JsonObject
  /** Data watermark: the training reads exactly the effective events below it. null until the barriers are placed. */
  readonly watermark: Watermark | null
  /** Why it failed, or null. */
  readonly reason: string | null
  /** Figures of the training: events, users, items, seconds. */
  readonly summary: JsonObject | null
}

/** When an engine is trained without being asked. */
export type Schedule =
  /** At these minutes (five fields, UTC). Checked by who sets it: the fold must not change with a library's opinion. */
  | { readonly type: 'cron'; readonly expression: string }
  /** So long after the last training began. */
  | { readonly type: 'every'; readonly ms: number }
  /** When so many events of the app are behind the last training's watermark. */
  | { readonly type: 'after-events'; readonly count: number }

export interface Engine {
  readonly id: string
  readonly appId: number
  /** Name of the engine's factory: `universal`. */
  readonly factory: string
  /** The engine.json as registered (newest revision). */
  readonly variant: JsonObject
  readonly revision: number
  /** With the time at which it was set: what was due before counts as done. */
  readonly schedule: (Schedule & { readonly setAt: number }) | null
  readonly activeVersion: string | null
  /** Newest first; see `directory-versions.ts` for how many are kept. */
  readonly versions: readonly ModelVersion[]
}

/** Versions of the event store; `directory-store.ts` holds their rules. */
export interface StoreVersions {
  /** The one that is read and written; null: the first, which no replay has made. */
  readonly active: string | null
  /** The one that a replay fills. */
  readonly open: string | null
  readonly revision: number
}

/** Names one object of the directory in `expects`. */
export type ObjectKey =
  | `app:${number}`
  | `app-name:${string}`
  | `key:${string}`
  | `channel:${number}`
  | `channel-name:${number}/${string}`
  | `engine:${string}`
  | 'store'

export type ControlChange =
  | {
      readonly type: 'app-created'
      readonly app: {
        readonly id: number
        readonly name: string
        readonly description: string | null
      }
    }
  | { readonly type: 'app-deleted'; readonly appId: number }
  | {
      readonly type: 'key-created'
      readonly key: {
        readonly hash: string
        readonly sealed: string | null
        readonly appId: number
        readonly events: readonly string[]
      }
    }
  | { readonly type: 'key-deleted'; readonly hash: string }
  | {
      readonly type: 'channel-created'
      readonly channel: { readonly id: number; readonly appId: number; readonly name: string }
    }
  | { readonly type: 'channel-deleted'; readonly channelId: number }
  | {
      readonly type: 'engine-registered'
      readonly engineId: string
      readonly appId: number
      readonly factory: string
      readonly variant: JsonObject
    }
  | { readonly type: 'engine-removed'; readonly engineId: string }
  | { readonly type: 'default-engine-set'; readonly engineId: string | null }
  /** null: trained only when asked. */
  | {
      readonly type: 'schedule-set'
      readonly engineId: string
      readonly schedule: Schedule | null
    }
  | { readonly type: 'version-opened'; readonly engineId: string; readonly versionId: string }
  | {
      readonly type: 'version-watermarked'
      readonly engineId: string
      readonly versionId: string
      readonly watermark: Watermark
    }
  | {
      readonly type: 'version-closed'
      readonly engineId: string
      readonly versionId: string
      readonly status: 'failed' | 'cancelled'
      readonly reason: string
    }
  /** Makes an open version the active one; also a rollback, when `versionId` is `previous` or `archived`. */
  | {
      readonly type: 'version-activated'
      readonly engineId: string
      readonly versionId: string
      readonly summary: JsonObject | null
    }
  | { readonly type: 'store-opened'; readonly versionId: string }
  /** Makes the open version of the event store the active one. */
  | { readonly type: 'store-activated'; readonly versionId: string }
  | { readonly type: 'store-closed'; readonly versionId: string }

export interface ControlRecord {
  /** Unique per attempt: a writer finds its own record by it. */
  readonly appendId: string
  readonly time: number
  /** Revision each touched object must have for the record to count. */
  readonly expects: Readonly<Partial<Record<ObjectKey, number>>>
  /** Applied together or not at all. */
  readonly changes: readonly ControlChange[]
}

export type Verdict =
  | { readonly accepted: true }
  | {
      readonly accepted: false
      readonly object: ObjectKey
      readonly expected: number
      readonly found: number
    }
  | { readonly accepted: false; readonly rule: string }

export interface DirectoryState {
  readonly apps: ReadonlyMap<number, App>
  readonly keys: ReadonlyMap<string, AccessKey>
  readonly channels: ReadonlyMap<number, Channel>
  readonly engines: ReadonlyMap<string, Engine>
  /** The first engine registered until another is named; the oldest one left when it is removed. */
  readonly defaultEngine: string | null
  readonly store: StoreVersions
  /** Numbers of deleted apps: they are never used again. */
  readonly deletedApps: ReadonlySet<number>
  /**
   * Records accepted so far. The number of a record is the revision of the objects it touched, so that an object made
   * anew under an old name never has a revision that the old one had.
   */
  readonly accepted: number
  /** Highest numbers ever given. A new channel's number is always above; a new app's may be any that was never used. */
  readonly lastAppId: number
  readonly lastChannelId: number
}
