// Model versions of one engine: what opening, closing and activating make of their list.
//
//   (nothing) ── opened ──▶ open ── activated ──▶ active ── another activated ──▶ previous ── another ──▶ archived
//                            └── closed ──▶ failed, cancelled        ▲                │                     │
//                                                                    └── activated (a rollback) ────────────┘
import type { ControlChange, Engine, ModelVersion, VersionStatus } from './directory.ts'

/** Versions with a model (active, previous, archived) that an engine keeps. */
export const MODELS_KEPT = 3
/** All versions an engine's list keeps; the oldest failed and cancelled ones go first. */
export const VERSIONS_KEPT = 20

export type VersionChange = Extract<
  ControlChange,
  { readonly engineId: string; readonly versionId: string }
>

/** The engine with a change of its versions applied, or the rule that forbids it. */
export function changeVersions(
  engine: Engine,
  change: VersionChange,
  time: number,
): { readonly engine: Engine } | { readonly rule: string } {
  const version = engine.versions.find(({ id }) => id === change.versionId)
  if (change.type === 'version-opened') {
    return version === undefined
      ? { engine: opened(engine, change.versionId, time) }
      : { rule: `The engine ${engine.id} has a version ${change.versionId} already.` }
  }
  if (version === undefined) {
    return { rule: `The engine ${engine.id} has no version ${change.versionId}.` }
  }
  if (change.type === 'version-activated') {
    return ['open', 'previous', 'archived'].includes(version.status)
      ? { engine: activated(engine, version, change.summary, time) }
      : { rule: `The version ${version.id} of ${engine.id} is ${version.status}.` }
  }
  if (version.status !== 'open') {
    return { rule: `The version ${version.id} of ${engine.id} is ${version.status}, not open.` }
  }
  if (change.type === 'version-closed') {
    const { status, reason } = change
    return { engine: replaced(engine, { ...version, status, reason, closedAt: time }) }
  }
  // A training that is begun again after a crash places its barriers again: the last place counts.
  return { engine: replaced(engine, { ...version, watermark: change.watermark }) }
}

function opened(engine: Engine, versionId: string, time: number): Engine {
  const version: ModelVersion = {
    id: versionId,
    engineId: engine.id,
    status: 'open',
    openedAt: time,
    closedAt: null,
    variant: engine.variant,
    watermark: null,
    reason: null,
    summary: null,
  }
  const others = engine.versions.map((other) =>
    other.status === 'open'
      ? {
          ...other,
          status: 'cancelled' as const,
          closedAt: time,
          reason: `The version ${versionId} was opened.`,
        }
      : other,
  )
  return { ...engine, versions: bounded([version, ...others]) }
}

function activated(
  engine: Engine,
  version: ModelVersion,
  summary: ModelVersion['summary'],
  time: number,
): Engine {
  const statusOf = ({ id, status }: ModelVersion): VersionStatus => {
    if (id === version.id) return 'active'
    if (status === 'active') return 'previous'
    return status === 'previous' ? 'archived' : status
  }
  const versions = engine.versions.map((other) => ({
    ...other,
    status: statusOf(other),
    ...(other.id === version.id && {
      closedAt: other.closedAt ?? time,
      summary: summary ?? other.summary,
    }),
  }))
  return { ...engine, activeVersion: version.id, versions: bounded(versions) }
}

function replaced(engine: Engine, version: ModelVersion): Engine {
  const versions = engine.versions.map((other) => (other.id === version.id ? version : other))
  return { ...engine, versions: bounded(versions) }
}

/** Open, active and previous versions stay; then the newest archived and the newest without a model, as many as fit. */
function bounded(versions: readonly ModelVersion[]): readonly ModelVersion[] {
  const has = (...statuses: VersionStatus[]): number =>
    versions.filter(({ status }) => statuses.includes(status)).length
  let archived = MODELS_KEPT - has('active', 'previous')
  let closed =
    VERSIONS_KEPT - has('open', 'active', 'previous') - Math.min(archived, has('archived'))
  return versions.filter(({ status }) => {
    if (status === 'archived') return archived-- > 0
    if (status === 'failed' || status === 'cancelled') return closed-- > 0
    return true
  })
}
