// Spark with its Connect server: one process that is driver and executors.
import { join } from 'node:path'
import { exchange } from './probe.ts'
import { type Place, type Ports, portOf, type Server, type ServerProcess } from './server.ts'

/** The newest version of which all parts that Spark needs for Kafka and Avro are released too. */
const VERSION = '4.1.1'
const HEAP = '3g'

export const spark: Server = {
  name: 'spark',
  title: `Spark ${VERSION}`,
  artefacts: [
    {
      kind: 'python',
      name: 'spark',
      package: 'pyspark',
      version: VERSION,
      folders: ['deps/bin', 'deps/jars'],
      sha256: '342c00f9c4f46cba9a35e4739aa37dd54bbbb26dedf185ecb2a03e3c0ffcaea2',
    },
  ],
  java: 17,
  neverRoot: false,
  ports: { 'spark.connect': 19502 },
  processes,
  settings: (ports) => ({ batch: connectUrl(ports) }),
}

function connectUrl(ports: Ports): string {
  return `sc://127.0.0.1:${portOf(ports, 'spark.connect')}`
}

function processes({ folder, artefacts, java, ports }: Place): ServerProcess[] {
  const home = join(artefacts.get('spark') ?? '', `pyspark-${VERSION}/deps`)
  const configuration = join(folder, 'conf')
  const port = portOf(ports, 'spark.connect')
  return [
    {
      name: 'spark',
      after: [],
      files: {
        [join(configuration, 'spark-defaults.conf')]: defaults(folder, port),
        [join(configuration, 'log4j2.properties')]: LOGGING,
      },
      folders: [folder, configuration, join(folder, 'warehouse'), join(folder, 'tmp')],
      command: [
        ...[join(home, 'bin/spark-submit'), '--master', 'local[2]', '--driver-memory', HEAP],
        ...['--class', 'org.apache.spark.sql.connect.service.SparkConnectServer', 'spark-internal'],
      ],
      environment: {
        JAVA_HOME: join(java, '../..'),
        SPARK_HOME: home,
        SPARK_CONF_DIR: configuration,
        SPARK_LOCAL_IP: '127.0.0.1',
      },
      logs: [],
      address: connectUrl(ports),
      healthy: () => exchange(port, HTTP2_GREETING, isHttp2Settings),
      startMs: 180_000,
      stopMs: 30_000,
    },
  ]
}

function defaults(folder: string, port: number): string {
  const values = {
    'spark.driver.host': '127.0.0.1',
    'spark.driver.bindAddress': '127.0.0.1',
    'spark.connect.grpc.binding.address': '127.0.0.1',
    'spark.connect.grpc.binding.port': port,
    'spark.ui.enabled': false,
    'spark.sql.catalogImplementation': 'in-memory',
    'spark.sql.warehouse.dir': join(folder, 'warehouse'),
    'spark.local.dir': join(folder, 'tmp'),
    // Tasks that do not look at their kill flag would keep their slots after an interrupt.
    'spark.task.reaper.enabled': true,
    'spark.task.reaper.killTimeout': '20s',
  }
  return Object.entries(values)
    .map(([name, value]) => `${name} ${value}\n`)
    .join('')
}

const LOGGING = `rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %-5p %m (%c{1})%n
`

/** gRPC is HTTP/2: the client's preface and an empty frame of settings. */
const HTTP2_GREETING = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from('000000040000000000', 'hex'),
])

/** The server begins with a frame of settings too: its type is the fourth byte. */
function isHttp2Settings(reply: Buffer): boolean {
  return reply.length >= 9 && reply[3] === 4
}
