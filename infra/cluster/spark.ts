// Spark with its Connect server: one process that is driver and executors, or a master with workers beside it.
import { join } from 'node:path'
import { exchange, httpGet } from './probe.ts'
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

function processes(place: Place): ServerProcess[] {
  const { folder } = place
  const master = ['--master', 'local[2]', '--driver-memory', HEAP]
  return [connectServer(place, [], master, defaults(folder, place.ports))]
}

/** Spark as it is on many machines: the Connect server is the driver of one application, with an executor on each worker. */
export function sparkWithWorkers(workers: number): Server {
  const ports: Record<string, number> = { ...spark.ports, ...MASTER_PORTS }
  for (let n = 1; n <= workers; n++) {
    ports[`spark.worker-${n}`] = 19_520 + n
    ports[`spark.worker-ui-${n}`] = 19_530 + n
  }
  return {
    ...spark,
    title: `${spark.title}, with a master and ${workers} workers`,
    ports,
    processes: (place) => clusterProcesses(place, workers),
  }
}

const MASTER_PORTS: Ports = { 'spark.master': 19_510, 'spark.master-ui': 19_511 }

function clusterProcesses(place: Place, workers: number): ServerProcess[] {
  const { folder, ports } = place
  const [master, ui] = [portOf(ports, 'spark.master'), portOf(ports, 'spark.master-ui')]
  const url = `spark://127.0.0.1:${master}`
  const names = Array.from({ length: workers }, (_, at) => `spark-worker-${at + 1}`)
  const host = ['--host', '127.0.0.1']
  // Of master and workers alone: the Connect server's heap would be no larger either.
  const shared = common(place)
  const daemon: Common = {
    ...shared,
    environment: { ...shared.environment, SPARK_DAEMON_MEMORY: '256m' },
  }
  return [
    {
      ...daemon,
      name: 'spark-master',
      after: [],
      command: [
        ...[sparkProgram(place, 'spark-class'), 'org.apache.spark.deploy.master.Master'],
        ...[...host, '--port', String(master), '--webui-port', String(ui)],
      ],
      address: url,
      healthy: () => httpGet(`http://127.0.0.1:${ui}/json/`, (body) => body.includes('"ALIVE"')),
    },
    ...names.map((name, at): ServerProcess => {
      const port = portOf(ports, `spark.worker-${at + 1}`)
      const workerUi = portOf(ports, `spark.worker-ui-${at + 1}`)
      return {
        ...daemon,
        name,
        after: ['spark-master'],
        command: [
          ...[sparkProgram(place, 'spark-class'), 'org.apache.spark.deploy.worker.Worker'],
          ...[...host, '--port', String(port), '--webui-port', String(workerUi)],
          ...['--cores', '1', '--memory', '1536m', '--work-dir', join(folder, name), url],
        ],
        address: `127.0.0.1:${port}`,
        healthy: () =>
          httpGet(`http://127.0.0.1:${ui}/json/`, (body) => body.includes(`"port" : ${port},`)),
      }
    }),
    connectServer(place, names, ['--master', url, '--driver-memory', '1g'], {
      ...defaults(folder, ports),
      'spark.executor.memory': '1g',
      'spark.executor.cores': 1,
      'spark.cores.max': workers,
    }),
  ]
}

type Common = Pick<
  ServerProcess,
  'files' | 'folders' | 'environment' | 'logs' | 'startMs' | 'stopMs'
>

function sparkHome({ artefacts }: Place): string {
  return join(artefacts.get('spark') ?? '', `pyspark-${VERSION}/deps`)
}

function sparkProgram(place: Place, name: string): string {
  return join(sparkHome(place), 'bin', name)
}

function common(place: Place): Common {
  const { folder, java } = place
  const configuration = join(folder, 'conf')
  return {
    files: { [join(configuration, 'log4j2.properties')]: LOGGING },
    folders: [folder, configuration, join(folder, 'warehouse'), join(folder, 'tmp')],
    environment: {
      JAVA_HOME: join(java, '../..'),
      SPARK_HOME: sparkHome(place),
      SPARK_CONF_DIR: configuration,
      SPARK_LOCAL_IP: '127.0.0.1',
    },
    logs: [],
    startMs: 180_000,
    stopMs: 30_000,
  }
}

function connectServer(
  place: Place,
  after: readonly string[],
  options: readonly string[],
  settings: Readonly<Record<string, string | number | boolean>>,
): ServerProcess {
  const shared = common(place)
  const port = portOf(place.ports, 'spark.connect')
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`)
  return {
    ...shared,
    name: 'spark',
    after,
    files: {
      ...shared.files,
      [join(place.folder, 'conf', 'spark-defaults.conf')]: lines.join(''),
    },
    command: [
      ...[sparkProgram(place, 'spark-submit'), ...options],
      ...['--class', 'org.apache.spark.sql.connect.service.SparkConnectServer', 'spark-internal'],
    ],
    address: connectUrl(place.ports),
    healthy: () => exchange(port, HTTP2_GREETING, isHttp2Settings),
  }
}

function defaults(folder: string, ports: Ports): Record<string, string | number | boolean> {
  return {
    'spark.driver.host': '127.0.0.1',
    'spark.driver.bindAddress': '127.0.0.1',
    'spark.connect.grpc.binding.address': '127.0.0.1',
    'spark.connect.grpc.binding.port': portOf(ports, 'spark.connect'),
    'spark.ui.enabled': false,
    'spark.sql.catalogImplementation': 'in-memory',
    'spark.sql.warehouse.dir': join(folder, 'warehouse'),
    'spark.local.dir': join(folder, 'tmp'),
    // Tasks that do not look at their kill flag would keep their slots after an interrupt.
    'spark.task.reaper.enabled': true,
    'spark.task.reaper.killTimeout': '20s',
  }
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
