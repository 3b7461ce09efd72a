// Elasticsearch without security on the loopback address: the distribution that its own build publishes for integration tests.
import { join } from 'node:path'
import { httpGet } from './probe.ts'
import { type Place, type Ports, portOf, type Server, type ServerProcess } from './server.ts'

const VERSION = '8.19.21'
const HEAP = '512m'

export const elasticsearch: Server = {
  name: 'elasticsearch',
  title: `Elasticsearch ${VERSION}`,
  artefacts: [
    {
      kind: 'archive',
      name: 'elasticsearch',
      coordinates: `org.elasticsearch.distribution.integ-test-zip:elasticsearch:${VERSION}:zip`,
      sha256: '89b7bf69ecfe12e61c5d21d5909cefc1422106e89baef9af59b9f37cfb8e8c99',
    },
  ],
  java: 17,
  neverRoot: true,
  ports: { 'elasticsearch.http': 19200, 'elasticsearch.transport': 19300 },
  processes,
  settings: (ports) => ({ index: `http://127.0.0.1:${portOf(ports, 'elasticsearch.http')}` }),
}

function processes({ folder, artefacts, java, ports }: Place): ServerProcess[] {
  const program = join(artefacts.get('elasticsearch') ?? '', `elasticsearch-${VERSION}`)
  const configuration = join(folder, 'config')
  const temporary = join(folder, 'tmp')
  const pidFile = join(folder, 'elasticsearch.pid')
  const url = `http://127.0.0.1:${portOf(ports, 'elasticsearch.http')}`
  return [
    {
      name: 'elasticsearch',
      after: [],
      files: {
        [join(configuration, 'elasticsearch.yml')]: settings(folder, ports),
        [join(configuration, 'jvm.options')]: JVM,
        [join(configuration, 'log4j2.properties')]: LOGGING,
      },
      folders: [folder, configuration, temporary, join(folder, 'data'), join(folder, 'logs')],
      command: [join(program, 'bin/elasticsearch'), '-d', '-p', pidFile],
      environment: {
        ES_JAVA_HOME: join(java, '../..'),
        ES_JAVA_OPTS: `-Xms${HEAP} -Xmx${HEAP}`,
        ES_PATH_CONF: configuration,
        ES_TMPDIR: temporary,
      },
      pidFile,
      logs: [join(folder, 'logs/millrace.log')],
      address: url,
      healthy: () => httpGet(`${url}/_cluster/health`, (body) => /"(?:green|yellow)"/.test(body)),
      startMs: 240_000,
      stopMs: 30_000,
    },
  ]
}

/** Settings of modules that this distribution lacks would be fatal, so there are few. */
function settings(folder: string, ports: Ports): string {
  const values = {
    'cluster.name': 'millrace',
    'node.name': 'millrace',
    'discovery.type': 'single-node',
    'network.host': '127.0.0.1',
    'http.port': portOf(ports, 'elasticsearch.http'),
    'transport.port': portOf(ports, 'elasticsearch.transport'),
    'path.data': join(folder, 'data'),
    'path.logs': join(folder, 'logs'),
    'xpack.security.enabled': false,
    'cluster.routing.allocation.disk.threshold_enabled': false,
  }
  return Object.entries(values)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
    .join('')
}

// The node may write where its temporary files are, and refuses to start when that holds its configuration: so not /tmp.
const JVM = `-XX:+UseSerialGC
-XX:+ExitOnOutOfMemoryError
-Djava.io.tmpdir=\${ES_TMPDIR}
`

const LOGGING = `status = error
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = \${sys:es.logs.base_path}/millrace.log
appender.file.filePattern = \${sys:es.logs.base_path}/millrace-%i.log
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{ISO8601} %-5p %m (%c{1})%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 16MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 2
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
`
