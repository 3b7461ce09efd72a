/** What can go wrong with a cluster; infra/wiring turns each into an error of the catalogue. */
export type ClusterErrorKind =
  | 'tool-missing'
  | 'fetch-failed'
  | 'checksum-wrong'
  | 'server-failed'
  | 'not-there'
  | 'busy'
  | 'running-otherwise'

/** An error of this folder, with the details that its message in the catalogue names. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError'
  readonly kind: ClusterErrorKind
  readonly details: Readonly<Record<string, string>>

  constructor(kind: ClusterErrorKind, details: Readonly<Record<string, string>>) {
    super(`${kind}: ${Object.values(details).join('; ')}`)
    this.kind = kind
    this.details = details
  }
}
