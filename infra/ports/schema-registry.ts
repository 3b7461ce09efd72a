// Avro schemas by id, as the Confluent protocol has them: a subject's versions are schemas, each with an id of the whole
// installation. Records in the Confluent wire format name their schema by this id.
import type { Closable } from './lifecycle.ts'

/** What reading records needs. */
export interface Schemas {
  /**
   * Text of a schema.
   * @throws MillraceError SCHEMA_UNKNOWN for good, SCHEMA_REGISTRY_UNAVAILABLE for now
   */
  schema(id: number): Promise<string>
}

export interface SubjectVersion {
  readonly subject: string
  readonly version: number
  readonly id: number
  readonly schema: string
}

export interface SchemaRegistry extends Schemas, Closable {
  /**
   * The id of a schema under a subject; it becomes the subject's next version unless it is one already.
   * @throws MillraceError SCHEMA_INVALID, SCHEMA_INCOMPATIBLE, SCHEMAS_TOO_MANY, LOG_UNAVAILABLE
   */
  register(subject: string, schema: string): Promise<number>
  subjects(): Promise<readonly string[]>
  /** Oldest first; empty for an unknown subject. */
  versions(subject: string): Promise<readonly SubjectVersion[]>
  /** Whether the schema could be the subject's next version. @throws MillraceError SCHEMA_INVALID */
  isCompatible(subject: string, schema: string): Promise<boolean>
}
