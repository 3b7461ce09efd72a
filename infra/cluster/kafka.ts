// Kafka in KRaft mode: one process that is broker and controller.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { exchange } from './probe.ts'
import { type Place, type Ports, portOf, type Server, type ServerProcess } from './server.ts'

const VERSION = '4.4.0'

export const kafka: Server = {
  name: 'kafka',
  title: `Kafka ${VERSION}`,
  artefacts: [
    {
      kind: 'jars',
      name: 'kafka',
      // The second is no dependency of the first; without it there is no log.
      roots: [
        `org.apache.kafka:kafka_2.13:${VERSION}`,
        'org.apache.logging.log4j:log4j-slf4j-impl:2.25.5',
      ],
      sha256: 'bda063de6f84a36e8fa0e31196934eba54905640b2dddd4e50f6a64c8fe4ffec',
    },
  ],
  java: 17,
  neverRoot: false,
  ports: { 'kafka.client': 19092, 'kafka.controller': 19093 },
  processes,
  settings: (ports) => ({ log: `kafka://127.0.0.1:${portOf(ports, 'kafka.client')}` }),
}

function processes({ folder, artefacts, java, ports }: Place): ServerProcess[] {
  const configuration = join(folder, 'server.properties')
  const logging = join(folder, 'log4j2.yaml')
  const data = join(folder, 'data')
  const classes = ['-cp', `${artefacts.get('kafka')}/*`]
  const client = portOf(ports, 'kafka.client')
  return [
    {
      name: 'kafka',
      after: [],
      files: { [configuration]: properties(data, ports), [logging]: LOGGING },
      folders: [folder],
      prepare: {
        unless: join(data, 'meta.properties'),
        command: [
          ...[java, '-XX:TieredStopAtLevel=1', `-Dlog4j2.configurationFile=${logging}`],
          ...[...classes, 'kafka.tools.StorageTool', 'format', '--standalone'],
          ...['--ignore-formatted', '-t', clusterId(folder), '-c', configuration],
        ],
      },
      command: [
        ...[java, '-Xms256m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:+ExitOnOutOfMemoryError'],
        ...[`-Dlog4j2.configurationFile=${logging}`, ...classes, 'kafka.Kafka', configuration],
      ],
      environment: {},
      logs: [],
      address: `kafka://127.0.0.1:${client}`,
      healthy: () => exchange(client, METADATA_REQUEST, hasBroker),
      startMs: 120_000,
      stopMs: 30_000,
    },
  ]
}

function properties(data: string, ports: Ports): string {
  const client = `127.0.0.1:${portOf(ports, 'kafka.client')}`
  const controller = `127.0.0.1:${portOf(ports, 'kafka.controller')}`
  const listeners = `PLAINTEXT://${client},CONTROLLER://${controller}`
  const values = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.bootstrap.servers': controller,
    listeners,
    'advertised.listeners': listeners,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': data,
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'group.initial.rebalance.delay.ms': '0',
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
  }
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

const LOGGING = `Configuration:
  status: error
  Appenders:
    Console:
      name: STDOUT
      PatternLayout:
        pattern: "%d{ISO8601} %-5p %m (%c{1})%n"
  Loggers:
    Root:
      level: WARN
      AppenderRef:
        ref: STDOUT
`

/** Kafka wants 16 bytes; any that stay the same for this folder do. */
function clusterId(folder: string): string {
  return createHash('sha256').update(folder).digest().subarray(0, 16).toString('base64url')
}

/** Metadata, version 1, of no topic: 2 bytes of API key, 2 of version, 4 of correlation, no client id, an empty list. */
const METADATA_REQUEST = Buffer.from(
  '0000000e' + '0003' + '0001' + '00000001' + 'ffff' + '00000000',
  'hex',
)

/** The answer begins with its size, the correlation and the number of brokers that are up. */
function hasBroker(reply: Buffer): boolean {
  return reply.length >= 12 && reply.readInt32BE(8) > 0
}
