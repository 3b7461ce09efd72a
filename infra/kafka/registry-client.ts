// A schema registry outside of Millrace, by the Confluent protocol: Confluent's own, Apicurio, Karapace and others speak it.
import type { Clock } from '#ports/clock'
import { asMillraceError, MillraceError } from '#ports/errors'
import type { SchemaRegistry, SubjectVersion } from '#ports/schema-registry'

const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json'
const TIMEOUT_MS = 3_000
const TRIES = 4
const PAUSE_MS = 100
/** Schemas never change under their id; so many are kept. */
const SCHEMAS_KEPT = 1_000

export interface RegistryClientOptions {
  /** Base of the protocol's paths, perhaps with user and password: `http://host:port/apis/ccompat/v7`. */
  readonly url: string
  readonly clock: Clock
}

interface Failure {
  readonly error_code?: number
  readonly message?: string
}

export function createRegistryClient({ url, clock }: RegistryClientOptions): SchemaRegistry {
  const { base, headers } = target(url)
  const kept = new Map<number, string>()

  const once = async (path: string, body: object | null): Promise<Response> => {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const request = { headers, signal, method: body === null ? 'GET' : 'POST' }
    return fetch(base + path, body === null ? request : { ...request, body: JSON.stringify(body) })
  }
  /** The reply of a call; null for 404. @throws MillraceError SCHEMA_REGISTRY_UNAVAILABLE, SCHEMA_INVALID, SCHEMA_INCOMPATIBLE */
  const call = async <T>(path: string, body: object | null = null): Promise<T | null> => {
    for (let tries = 1; ; tries++) {
      let reason: string
      try {
        const reply = await once(path, body)
        if (reply.ok) return (await reply.json()) as T
        if (reply.status === 404) return null
        const failure = (await reply.json().catch(() => ({}))) as Failure
        reason = `${reply.status} ${failure.message ?? ''}`
        if (reply.status < 500) throw refusal(reply.status, path, base, reason)
      } catch (error) {
        if (error instanceof MillraceError) throw error
        reason = asMillraceError(error).message
      }
      if (tries === TRIES) {
        throw new MillraceError('SCHEMA_REGISTRY_UNAVAILABLE', { address: base, reason })
      }
      await clock.sleep(PAUSE_MS * 2 ** tries)
    }
  }
  const subjectPath = (subject: string): string => `/subjects/${encodeURIComponent(subject)}`
  return {
    async schema(id) {
      const known = kept.get(id)
      if (known !== undefined) return known
      const found = await call<{ schema: string }>(`/schemas/ids/${id}`)
      if (found === null) throw new MillraceError('SCHEMA_UNKNOWN', { id })
      if (kept.size >= SCHEMAS_KEPT) kept.clear()
      kept.set(id, found.schema)
      return found.schema
    },
    async register(subject, schema) {
      const made = await call<{ id: number }>(`${subjectPath(subject)}/versions`, { schema })
      if (made !== null) return made.id
      throw new MillraceError('SCHEMA_REGISTRY_UNAVAILABLE', { address: base, reason: '404' })
    },
    subjects: async () => (await call<string[]>('/subjects')) ?? [],
    async versions(subject) {
      const numbers = (await call<number[]>(`${subjectPath(subject)}/versions`)) ?? []
      const versions: SubjectVersion[] = []
      for (const number of numbers) {
        const found = await call<SubjectVersion>(`${subjectPath(subject)}/versions/${number}`)
        if (found !== null) versions.push(found)
      }
      return versions
    },
    async isCompatible(subject, schema) {
      const path = `/compatibility${subjectPath(subject)}/versions/latest`
      // Nothing is incompatible with a subject that has no version.
      return (await call<{ is_compatible: boolean }>(path, { schema }))?.is_compatible ?? true
    },
    close: async () => {},
  }
}

function target(url: string): { base: string; headers: Record<string, string> } {
  const { username, password, origin, pathname } = new URL(url)
  const headers: Record<string, string> = { 'content-type': CONTENT_TYPE, accept: CONTENT_TYPE }
  if (username !== '') {
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    headers.authorization = `Basic ${Buffer.from(credentials).toString('base64')}`
  }
  return { base: origin + pathname.replace(/\/$/, ''), headers }
}

function refusal(status: number, path: string, address: string, reason: string): MillraceError {
  if (status === 422) return new MillraceError('SCHEMA_INVALID', { reason })
  if (status !== 409) return new MillraceError('SCHEMA_REGISTRY_UNAVAILABLE', { address, reason })
  const subject = decodeURIComponent(path.split('/')[2] ?? '')
  return new MillraceError('SCHEMA_INCOMPATIBLE', { subject, version: 'latest', reason })
}
