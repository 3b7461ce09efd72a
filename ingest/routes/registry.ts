// The schema registry, as the Confluent protocol words it, below `/registry`: what clients that write and read Avro call. An
// access key is needed, as everywhere; most clients send one as the user of Basic authentication. A key registers schemas of
// its own app's inboxes only, and reads all: ids are the installation's.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { asMillraceError, MillraceError } from '#ports/errors'
import type { SchemaRegistry, SubjectVersion } from '#ports/schema-registry'
import { type Guard, grantOf } from '../context.ts'

const REGISTRY_TYPE = 'application/vnd.schemaregistry.v1+json'
const BODY_BYTES_MAX = 256 * 1024
const SUBJECT_BYTES_MAX = 255

/** The protocol's numbers for what goes wrong. */
const ERROR_CODES: Readonly<Record<string, number>> = {
  SCHEMA_UNKNOWN: 40403,
  SCHEMA_INVALID: 42201,
  SCHEMA_INCOMPATIBLE: 409,
}

interface Path {
  readonly subject: string
  readonly version: string
  readonly id: string
}

interface Asked {
  readonly path: Path
  /** Text of the schema in the body of a POST. */
  readonly schema: string
  readonly app: number
}

type Answer = (asked: Asked) => Promise<unknown>

/** Registers the routes on a part of the server of their own: its body parser takes the protocol's content type. */
export function registerRegistry(
  app: FastifyInstance,
  guard: Guard,
  registry: SchemaRegistry,
): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    '*',
    { parseAs: 'string', bodyLimit: BODY_BYTES_MAX },
    (_request, body, done) => done(null, body),
  )
  const route = (method: 'GET' | 'POST', url: string, answer: Answer): void => {
    app.route({
      method,
      url: `/registry${url}`,
      onRequest: guard,
      handler: async (request, reply) => {
        try {
          const schema = method === 'POST' ? schemaOf(request) : ''
          const { app: its } = grantOf(request)
          const path = request.params as Path
          return send(reply, 200, await answer({ path, schema, app: its }))
        } catch (error) {
          return sendFailure(reply, error)
        }
      },
    })
  }
  addReading(route, registry)
  route('POST', '/subjects/:subject/versions', async ({ path: { subject }, schema, app: its }) => {
    checkSubject(subject, its)
    return { id: await registry.register(subject, schema) }
  })
  route('POST', '/compatibility/subjects/:subject/versions/:version', async (asked) => ({
    is_compatible: await registry.isCompatible(asked.path.subject, asked.schema),
  }))
}

function addReading(
  route: (method: 'GET' | 'POST', url: string, answer: Answer) => void,
  registry: SchemaRegistry,
): void {
  route('GET', '/schemas/ids/:id', async ({ path }) => ({
    schema: await registry.schema(Number(path.id)),
  }))
  route('GET', '/subjects', () => registry.subjects())
  route('GET', '/subjects/:subject/versions', async ({ path }) =>
    (await known(registry, path.subject)).map(({ version }) => version),
  )
  route('GET', '/subjects/:subject/versions/:version', async ({ path }) => {
    const { subject, version: wanted } = path
    const versions = await known(registry, subject)
    const found = wanted === 'latest' ? versions.at(-1) : versions[Number(wanted) - 1]
    if (found !== undefined) return found
    throw new MillraceError('NOT_FOUND', { what: `version ${wanted} of ${subject}`, number: 40402 })
  })
  route('POST', '/subjects/:subject', async ({ path: { subject }, schema }) => {
    const text = JSON.stringify(JSON.parse(schema))
    const found = (await known(registry, subject)).find((its) => its.schema === text)
    if (found !== undefined) return found
    throw new MillraceError('NOT_FOUND', { what: `this schema of ${subject}`, number: 40403 })
  })
  route('GET', '/config', async () => ({ compatibilityLevel: 'BACKWARD' }))
}

/** @throws MillraceError SUBJECT_FOREIGN, ID_TOO_LONG */
function checkSubject(subject: string, app: number): void {
  if (Buffer.byteLength(subject) > SUBJECT_BYTES_MAX) {
    throw new MillraceError('ID_TOO_LONG', { field: 'subject', limit: SUBJECT_BYTES_MAX })
  }
  if (new RegExp(`(?:^|\\.)inbox\\.app-${app}(?:[.-]|$)`).test(subject)) return
  throw new MillraceError('SUBJECT_FOREIGN', { subject, inbox: `inbox.app-${app}` })
}

async function known(
  registry: SchemaRegistry,
  subject: string,
): Promise<readonly SubjectVersion[]> {
  const versions = await registry.versions(subject)
  if (versions.length > 0) return versions
  throw new MillraceError('NOT_FOUND', { what: `subject ${subject}`, number: 40401 })
}

/** @throws MillraceError SCHEMA_INVALID */
function schemaOf({ body }: FastifyRequest): string {
  const invalid = (reason: string): MillraceError => new MillraceError('SCHEMA_INVALID', { reason })
  let value: { readonly schema?: unknown; readonly schemaType?: unknown } | null
  try {
    value = JSON.parse(String(body)) as typeof value
  } catch {
    throw invalid('the body is no JSON')
  }
  if (typeof value?.schema !== 'string') throw invalid('the body has no text "schema"')
  const { schemaType = 'AVRO' } = value
  if (schemaType !== 'AVRO') throw invalid(`its schemaType is ${JSON.stringify(schemaType)}`)
  return value.schema
}

function send(reply: FastifyReply, status: number, body: unknown): FastifyReply {
  return reply.code(status).header('content-type', REGISTRY_TYPE).send(JSON.stringify(body))
}

function sendFailure(reply: FastifyReply, failure: unknown): FastifyReply {
  const error = asMillraceError(failure)
  void reply.header('millrace-error', error.code)
  const number = error.details.number ?? ERROR_CODES[error.code] ?? error.status
  return send(reply, error.status, { error_code: number, message: error.message })
}
