// Users of Kafka that may write to the inboxes of one app, and to nothing else. kafkajs knows no call for SCRAM users, so two
// requests of the protocol are made here over its inner cluster: DescribeUserScramCredentials (50) and
// AlterUserScramCredentials (51), both in their version 0 (KIP-554).
import { pbkdf2, randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import type { AclFilter, Admin, Kafka } from 'kafkajs'
import { MillraceError } from '#ports/errors'
import { loadKafkajs } from './kafkajs.ts'
import { createCluster } from './read-connection.ts'

const DESCRIBE_USERS = 50
const ALTER_USERS = 51
const SCRAM_SHA_512 = 2
const ITERATIONS = 8192
const SALT_BYTES = 24
const KEY_BYTES = 64
const PASSWORD_BYTES = 24
const RESOURCE_NOT_FOUND = 91
/** Begins the name of a user in a rule. */
const USER = 'User:'

/** What is used of kafkajs' encoder and decoder. */
interface Encoder {
  writeInt8(value: number): Encoder
  writeInt32(value: number): Encoder
  writeUVarIntString(value: string): Encoder
  writeUVarIntBytes(value?: Buffer): Encoder
  writeUVarIntArray(values: readonly Encoder[]): Encoder
}

interface Decoder {
  readInt16(): number
  readInt32(): number
  readUVarIntString(): string | null
  readUVarIntArray<T>(read: (decoder: Decoder) => T): T[]
  readTaggedFields(): void
}

interface Protocol {
  readonly newEncoder: () => Encoder
  readonly newDecoder: (bytes: Buffer) => Decoder
}

interface UserResult {
  readonly code: number
  readonly message: string | null
}

function protocol(): Protocol {
  const require = createRequire(import.meta.url)
  const Encoding = require('kafkajs/src/protocol/encoder') as new () => Encoder
  const Decoding = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => Decoder
  return { newEncoder: () => new Encoding(), newDecoder: (bytes) => new Decoding(bytes) }
}

export interface InboxWriter {
  readonly user: string
  /** The topic of the app's default inbox; those of its channels begin with it and a point. */
  readonly topic: string
}

/**
 * Makes a user with a password of its own, and lets it write to the topic and to those of the app's channels.
 * @returns the password, which is kept nowhere else
 * @throws MillraceError KAFKA_USER_REFUSED when the user is there already, or the brokers refuse
 */
export async function addInboxWriter(
  kafka: Kafka,
  admin: Admin,
  { user, topic }: InboxWriter,
): Promise<string> {
  try {
    return await withController(kafka, async (send) => {
      // Another's password must not be changed by a name that was guessed.
      const known = await send(describeUser(user))
      if (known.code === 0) throw refused(user, 'there is such a user already')
      if (known.code !== RESOURCE_NOT_FOUND) throw refused(user, reasonOf(known))
      await allowWriting(admin, user, topic)
      const password = randomBytes(PASSWORD_BYTES).toString('base64url')
      const made = await send(await alterUser(user, password))
      if (made.code !== 0) throw refused(user, reasonOf(made))
      return password
    })
  } catch (error) {
    if (error instanceof MillraceError) throw error
    throw refused(user, error instanceof Error ? error.message : String(error))
  }
}

type Send = (request: object) => Promise<UserResult>

/** Users are the controller's. */
async function withController<T>(kafka: Kafka, work: (send: Send) => Promise<T>): Promise<T> {
  const cluster = createCluster(kafka)
  await cluster.connect()
  try {
    await cluster.refreshMetadata()
    const broker = await cluster.findControllerBroker()
    return await work((request) => broker.connectionPool.send(request))
  } finally {
    await cluster.disconnect()
  }
}

/**
 * Takes back the rules of a topic and of those of the app's channels, and removes the users who had no others. Does nothing
 * where the brokers check no rights.
 */
export async function removeInboxWriters(kafka: Kafka, admin: Admin, topic: string): Promise<void> {
  const users = await writersOf(admin, topic)
  if (users.length === 0) return
  const { AclResourceTypes, AclOperationTypes, AclPermissionTypes, ResourcePatternTypes } =
    await loadKafkajs()
  const any = {
    resourceType: AclResourceTypes.TOPIC,
    operation: AclOperationTypes.ANY,
    permissionType: AclPermissionTypes.ANY,
  }
  const { LITERAL, PREFIXED } = ResourcePatternTypes
  await admin.deleteAcls({
    filters: [
      { ...any, resourceName: topic, resourcePatternType: LITERAL },
      { ...any, resourceName: `${topic}.`, resourcePatternType: PREFIXED },
    ],
  })
  await withController(kafka, async (send) => {
    for (const user of users) {
      // Somebody has given it more than Millrace does: it has another use.
      if ((await rulesOf(admin, { principal: `${USER}${user}` })) > 0) continue
      const gone = await send(deleteUser(user))
      if (gone.code !== 0 && gone.code !== RESOURCE_NOT_FOUND) {
        throw new MillraceError('LOG_UNAVAILABLE', { reason: reasonOf(gone) })
      }
    }
  })
}

/** Users with a rule for the topic itself. */
async function writersOf(admin: Admin, topic: string): Promise<readonly string[]> {
  const { resources } = await describeRules(admin, { resourceName: topic })
  const principals = resources.flatMap(({ acls }) => acls.map(({ principal }) => principal))
  return [...new Set(principals)]
    .filter((principal) => principal.startsWith(USER))
    .map((principal) => principal.slice(USER.length))
}

async function rulesOf(admin: Admin, filter: { readonly principal: string }): Promise<number> {
  const { resources } = await describeRules(admin, filter)
  return resources.reduce((sum, { acls }) => sum + acls.length, 0)
}

async function describeRules(admin: Admin, filter: Partial<AclFilter>) {
  const { AclResourceTypes, AclOperationTypes, AclPermissionTypes, ResourcePatternTypes } =
    await loadKafkajs()
  const topic = filter.resourceName !== undefined
  try {
    return await admin.describeAcls({
      resourceType: topic ? AclResourceTypes.TOPIC : AclResourceTypes.ANY,
      resourcePatternType: topic ? ResourcePatternTypes.LITERAL : ResourcePatternTypes.ANY,
      operation: AclOperationTypes.ANY,
      permissionType: AclPermissionTypes.ANY,
      ...filter,
    })
  } catch (error) {
    if ((error as { type?: string }).type === 'SECURITY_DISABLED') return { resources: [] }
    throw error
  }
}

/** Rules for the topic itself and for all whose names begin with it and a point. */
async function allowWriting(admin: Admin, user: string, topic: string): Promise<void> {
  const kafkajs = await loadKafkajs()
  const rule = {
    resourceType: kafkajs.AclResourceTypes.TOPIC,
    principal: `${USER}${user}`,
    host: '*',
    operation: kafkajs.AclOperationTypes.WRITE,
    permissionType: kafkajs.AclPermissionTypes.ALLOW,
  }
  const { LITERAL, PREFIXED } = kafkajs.ResourcePatternTypes
  await admin.createAcls({
    acl: [
      { ...rule, resourceName: topic, resourcePatternType: LITERAL },
      { ...rule, resourceName: `${topic}.`, resourcePatternType: PREFIXED },
    ],
  })
}

/** Request and response of one call whose body begins with flexible fields: an empty tag section goes before it. */
function call(
  apiKey: number,
  apiName: string,
  body: (encoder: Encoder) => Encoder,
  read: (decoder: Decoder) => UserResult,
): object {
  const { newEncoder, newDecoder } = protocol()
  return {
    request: {
      ...{ apiKey, apiVersion: 0, apiName },
      encode: async () => body(newEncoder().writeUVarIntBytes()).writeUVarIntBytes(),
    },
    response: {
      decode: async (bytes: Buffer) => {
        const decoder = newDecoder(bytes)
        decoder.readTaggedFields()
        decoder.readInt32() // throttle time
        return read(decoder)
      },
      parse: async (result: UserResult) => result,
    },
  }
}

function describeUser(user: string): object {
  const { newEncoder } = protocol()
  return call(
    DESCRIBE_USERS,
    'DescribeUserScramCredentials',
    (encoder) =>
      encoder.writeUVarIntArray([newEncoder().writeUVarIntString(user).writeUVarIntBytes()]),
    (decoder) => {
      const whole = { code: decoder.readInt16(), message: decoder.readUVarIntString() }
      if (whole.code !== 0) return whole
      const [one] = decoder.readUVarIntArray(readResult)
      return one ?? { code: RESOURCE_NOT_FOUND, message: null }
    },
  )
}

async function alterUser(user: string, password: string): Promise<object> {
  const { newEncoder } = protocol()
  const salt = randomBytes(SALT_BYTES)
  const salted = await promisify(pbkdf2)(password, salt, ITERATIONS, KEY_BYTES, 'sha512')
  const upsertion = newEncoder()
    .writeUVarIntString(user)
    .writeInt8(SCRAM_SHA_512)
    .writeInt32(ITERATIONS)
    .writeUVarIntBytes(salt)
    .writeUVarIntBytes(salted)
    .writeUVarIntBytes()
  return alteration([], [upsertion])
}

function deleteUser(user: string): object {
  const deletion = protocol()
    .newEncoder()
    .writeUVarIntString(user)
    .writeInt8(SCRAM_SHA_512)
    .writeUVarIntBytes()
  return alteration([deletion], [])
}

function alteration(deletions: readonly Encoder[], upsertions: readonly Encoder[]): object {
  return call(
    ALTER_USERS,
    'AlterUserScramCredentials',
    (encoder) => encoder.writeUVarIntArray(deletions).writeUVarIntArray(upsertions),
    (decoder) => decoder.readUVarIntArray(readResult)[0] ?? { code: -1, message: 'no result' },
  )
}

/** One user's result; of a described user the mechanisms follow, which nobody asks for here. */
function readResult(decoder: Decoder): UserResult {
  decoder.readUVarIntString()
  return { code: decoder.readInt16(), message: decoder.readUVarIntString() }
}

const reasonOf = ({ code, message }: UserResult): string => message ?? `error ${code}`

function refused(user: string, reason: string): MillraceError {
  return new MillraceError('KAFKA_USER_REFUSED', { user, reason })
}
