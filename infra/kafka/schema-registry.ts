// Millrace's own schema registry: the fold of a log of its own. Ids below 100 are those of the schemas that Millrace itself
// writes (`schemas/codec.ts`) and offers to producers; every process folds the log in the same order, so all agree on ids.
import avro from 'avsc'
import { MillraceError } from '#ports/errors'
import type { Log } from '#ports/log'
import type { SchemaRegistry, SubjectVersion } from '#ports/schema-registry'
import { SCHEMA_IDS, schemaText } from '#schemas/codec'
import { inboxSchemaText } from '#schemas/inbox-event'
import { RECORD_KINDS } from '#schemas/record'

/** Id of the schema that producers are offered. */
export const INBOX_SCHEMA_ID = 10
const FIRST_ID = 100
const SCHEMAS_MAX = 10_000
const SCHEMA_BYTES_MAX = 64 * 1024
const PARTITION = 0
const READ_BYTES = 1024 * 1024

/** A line of the log: this schema is a version of this subject. */
interface Registered {
  readonly subject: string
  readonly schema: string
}

/** Opens the registry over its log, which it closes. */
export function createSchemaRegistry(log: Log): SchemaRegistry {
  return new FoldedRegistry(log)
}

class FoldedRegistry implements SchemaRegistry {
  readonly #log: Log
  readonly #texts = new Map<number, string>(builtIn())
  readonly #ids = new Map([...this.#texts].map(([id, text]) => [text, id]))
  readonly #subjects = new Map<string, SubjectVersion[]>()
  #next = 0
  #nextId = FIRST_ID
  #turn: Promise<unknown> = Promise.resolve()

  constructor(log: Log) {
    this.#log = log
  }

  async schema(id: number): Promise<string> {
    if (!this.#texts.has(id)) await this.#inTurn(() => this.#catchUp())
    const text = this.#texts.get(id)
    if (text === undefined) throw new MillraceError('SCHEMA_UNKNOWN', { id })
    return text
  }

  register(subject: string, given: string): Promise<number> {
    return this.#inTurn(async () => {
      const schema = canonical(given)
      const known = this.#idOf(subject, schema)
      if (known !== null) return known
      await this.#catchUp()
      const hopeless = incompatible(this.#subjects.get(subject)?.at(-1), schema)
      if (hopeless !== null) throw hopeless
      const line: Registered = { subject, schema }
      const { offset } = await this.#log.append(PARTITION, [Buffer.from(JSON.stringify(line))])
      const verdict = await this.#foldTo(offset + 1)
      const id = this.#idOf(subject, schema)
      if (id !== null) return id
      throw verdict ?? new MillraceError('INTERNAL', { reason: 'the schema was not met' })
    })
  }

  async subjects(): Promise<readonly string[]> {
    await this.#inTurn(() => this.#catchUp())
    return [...this.#subjects.keys()]
  }

  async versions(subject: string): Promise<readonly SubjectVersion[]> {
    await this.#inTurn(() => this.#catchUp())
    return this.#subjects.get(subject) ?? []
  }

  async isCompatible(subject: string, schema: string): Promise<boolean> {
    const versions = await this.versions(subject)
    return incompatible(versions.at(-1), canonical(schema)) === null
  }

  close(): Promise<void> {
    return this.#log.close()
  }

  #idOf(subject: string, schema: string): number | null {
    return this.#subjects.get(subject)?.find((its) => its.schema === schema)?.id ?? null
  }

  /** One after another: two of one process must not fold at once, nor decide by what the other is about to write. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work)
    this.#turn = mine.catch(() => undefined)
    return mine
  }

  async #catchUp(): Promise<void> {
    await this.#foldTo(await this.#log.end(PARTITION))
  }

  /** The verdict on the last line that was folded. */
  async #foldTo(end: number): Promise<MillraceError | null> {
    let verdict: MillraceError | null = null
    while (this.#next < end) {
      const batch = await this.#log.read(PARTITION, this.#next, READ_BYTES)
      for (const { value } of batch.records) {
        verdict = this.#fold(JSON.parse(Buffer.from(value).toString()) as Registered)
      }
      this.#next = batch.next
    }
    return verdict
  }

  /** Decides as every process does, whoever wrote the line; null when the schema is a version now. */
  #fold({ subject, schema }: Registered): MillraceError | null {
    const versions = this.#subjects.get(subject) ?? []
    if (versions.some((its) => its.schema === schema)) return null
    if (this.#texts.size >= SCHEMAS_MAX) {
      return new MillraceError('SCHEMAS_TOO_MANY', { limit: SCHEMAS_MAX })
    }
    const refused = incompatible(versions.at(-1), schema)
    if (refused !== null) return refused
    const id = this.#ids.get(schema) ?? this.#nextId++
    this.#texts.set(id, schema)
    this.#ids.set(schema, id)
    const version = versions.length + 1
    this.#subjects.set(subject, [...versions, { subject, version, id, schema }])
    return null
  }
}

function builtIn(): [id: number, text: string][] {
  const own = RECORD_KINDS.map((kind): [number, string] => [
    SCHEMA_IDS[kind],
    canonical(schemaText(kind)),
  ])
  return [...own, [INBOX_SCHEMA_ID, canonical(inboxSchemaText())]]
}

/** One text for what means the same: without spaces, docs as they are. @throws MillraceError SCHEMA_INVALID */
function canonical(text: string): string {
  if (Buffer.byteLength(text) > SCHEMA_BYTES_MAX) {
    const reason = `it has more than ${SCHEMA_BYTES_MAX} bytes`
    throw new MillraceError('SCHEMA_INVALID', { reason })
  }
  try {
    const schema: unknown = JSON.parse(text)
    typeOf(text)
    return JSON.stringify(schema)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new MillraceError('SCHEMA_INVALID', { reason })
  }
}

const typeOf = (text: string): avro.Type =>
  avro.Type.forSchema(JSON.parse(text) as avro.Schema, { wrapUnions: false, registry: {} })

/** Backward compatibility, the protocol's default: a reader of the new version reads what the last one wrote. */
function incompatible(last: SubjectVersion | undefined, schema: string): MillraceError | null {
  if (last === undefined) return null
  try {
    typeOf(schema).createResolver(typeOf(last.schema))
    return null
  } catch (error) {
    const { version, subject } = last
    const reason = error instanceof Error ? error.message : String(error)
    return new MillraceError('SCHEMA_INCOMPATIBLE', { version, subject, reason })
  }
}
