// A broker that checks users (SASL/SCRAM) and rights, of a test's own. Its jars are those that `millrace cluster up` fetches.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { systemClock } from '#ports/clock'
import { fetchArtefact } from '../../infra/cluster/fetch-artefact.ts'
import { kafka } from '../../infra/cluster/kafka.ts'
import { loadKafkajs } from '../../infra/kafka/kafkajs.ts'
import { freePort } from './free-port.ts'
import { until } from './until.ts'

const START_MS = 120_000
/** The platform's own user, who may do everything. */
const ADMIN = { username: 'admin', password: 'admin-secret' } as const

export interface SecuredBroker {
  /** `host:port` */
  readonly broker: string
  /** The setting `log` with the platform's user. */
  readonly url: string
}

function properties(client: number, controller: number, data: string): string {
  const login = 'org.apache.kafka.common.security'
  const who = `username="${ADMIN.username}" password="${ADMIN.password}"`
  const listeners = `SASL_PLAINTEXT://127.0.0.1:${client},CONTROLLER://127.0.0.1:${controller}`
  const sasl = 'listener.name.sasl_plaintext'
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.bootstrap.servers': `127.0.0.1:${controller}`,
    listeners,
    'advertised.listeners': listeners,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'SASL_PLAINTEXT',
    'listener.security.protocol.map': 'SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT',
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512,PLAIN',
    'sasl.mechanism.inter.broker.protocol': 'SCRAM-SHA-512',
    'sasl.mechanism.controller.protocol': 'PLAIN',
    'listener.name.controller.sasl.enabled.mechanisms': 'PLAIN',
    [`${sasl}.scram-sha-512.sasl.jaas.config`]: `${login}.scram.ScramLoginModule required ${who};`,
    [`${sasl}.plain.sasl.jaas.config`]: `${login}.plain.PlainLoginModule required ${who};`,
    'listener.name.controller.plain.sasl.jaas.config': `${login}.plain.PlainLoginModule required ${who} user_${ADMIN.username}="${ADMIN.password}";`,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': `User:${ADMIN.username}`,
    'allow.everyone.if.no.acl.found': 'false',
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'group.initial.rebalance.delay.ms': '0',
    'log.dirs': data,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

async function jars(): Promise<string> {
  const [artefact] = kafka.artefacts
  if (artefact === undefined) throw new Error('the cluster knows no jars of Kafka')
  const cache = process.getuid?.() === 0 ? '/var/cache/millrace' : join(tmpdir(), 'millrace-cache')
  return fetchArtefact(artefact, cache, {
    ...{ environment: process.env, clock: systemClock },
    say: () => {},
  })
}

/** Starts it on free ports; it is stopped after the test. */
export async function startSecuredBroker(t: TestContext): Promise<SecuredBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-secured-'))
  const [client, controller] = [await freePort(), await freePort()]
  const settings = join(folder, 'server.properties')
  const data = join(folder, 'data')
  await writeFile(settings, properties(client, controller, data))
  const classes = ['-cp', `${await jars()}/*`]
  const id = Buffer.from(folder.slice(-16).padStart(16, 'x')).toString('base64url')
  const scram = `SCRAM-SHA-512=[name=${ADMIN.username},password=${ADMIN.password}]`
  const format = ['format', '--standalone', '-t', id, '-c', settings, '--add-scram', scram]
  execFileSync('java', [...classes, 'kafka.tools.StorageTool', ...format], { stdio: 'ignore' })
  const child = spawn('java', ['-Xmx512m', ...classes, 'kafka.Kafka', settings], {
    stdio: 'ignore',
  })
  t.after(async () => {
    const ended = once(child, 'close')
    if (child.exitCode === null) child.kill('SIGKILL')
    await ended
    await rm(folder, { recursive: true, force: true })
  })
  const broker = `127.0.0.1:${client}`
  await until(() => answers(broker), START_MS)
  return { broker, url: `kafka://${ADMIN.username}:${ADMIN.password}@${broker}` }
}

async function answers(broker: string): Promise<boolean> {
  const { Kafka, logLevel } = await loadKafkajs()
  const sasl = { mechanism: 'scram-sha-512', ...ADMIN } as const
  const admin = new Kafka({
    ...{ brokers: [broker], sasl, logLevel: logLevel.NOTHING },
    retry: { retries: 0 },
  }).admin()
  try {
    await admin.connect()
    return (await admin.describeCluster()).brokers.length > 0
  } catch {
    return false
  } finally {
    await admin.disconnect()
  }
}
