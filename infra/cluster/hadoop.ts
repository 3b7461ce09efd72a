// What HBase and HDFS have in common: one set of jars runs both, and both are configured by files of XML properties.
import type { Artefact } from './server.ts'

const VERSION = '2.6.4-hadoop3'

export const HBASE_VERSION = '2.6.4'
export const HADOOP_VERSION = '3.4.2'

export const HADOOP_ARTEFACT: Artefact = {
  kind: 'jars',
  name: 'hbase',
  // jsr311 is what WebHDFS needs and HBase leaves out.
  roots: [
    `org.apache.hbase:hbase-server:${VERSION}`,
    `org.apache.hbase:hbase-zookeeper:${VERSION}`,
    `org.apache.hbase:hbase-compression-zstd:${VERSION}`,
    'javax.ws.rs:jsr311-api:1.1.1',
  ],
  sha256: '7e83b3fb61630cd23a77e2c4dd0ed871ad75ac25adb7cacbc3be1e5d5a17cc2a',
}

/** The jars have no pages for browsers; their servers want folders for them all the same. */
export const WEB_FOLDERS: readonly string[] = [
  ...['master', 'regionserver', 'static', 'rest'].map((name) => `hbase-webapps/${name}`),
  ...['hdfs', 'datanode', 'static', 'secondary'].map((name) => `webapps/${name}`),
]

/** Packages of the JDK that Hadoop, HBase and their Netty open by reflection. */
const OPENED: Readonly<Record<'exports' | 'opens', readonly string[]>> = {
  exports: ['jdk.internal.misc', 'sun.security.pkcs', 'sun.nio.ch', 'sun.net.dns', 'sun.net.util'],
  opens: [
    'java.nio',
    'jdk.internal.misc',
    'java.io',
    'sun.nio.ch',
    'java.lang',
    'java.util',
    'java.util.concurrent',
    'java.lang.reflect',
  ],
}

const JAVA_OPTIONS: readonly string[] = [
  ...['--add-modules', 'jdk.unsupported'],
  ...OPENED.exports.flatMap((name) => ['--add-exports', `java.base/${name}=ALL-UNNAMED`]),
  ...OPENED.opens.flatMap((name) => ['--add-opens', `java.base/${name}=ALL-UNNAMED`]),
  '-Dorg.apache.hbase.thirdparty.io.netty.tryReflectionSetAccessible=true',
  '-XX:+UseSerialGC',
  '-XX:+ExitOnOutOfMemoryError',
]

/** A command of HBase or HDFS: the configuration's folder is first on the class path. */
export function hadoopCommand(
  given: {
    readonly java: string
    readonly configuration: string
    readonly jars: string
    /** Further options of Java's. */
    readonly options?: readonly string[]
  },
  heap: string,
  main: string,
  ...args: readonly string[]
): readonly string[] {
  const { java, configuration, jars, options = [] } = given
  const classes = `${configuration}:${jars}/*`
  return [java, `-Xmx${heap}`, ...JAVA_OPTIONS, ...options, '-cp', classes, main, ...args]
}

/** A configuration file of Hadoop's. */
export function hadoopXml(properties: Readonly<Record<string, string | number | boolean>>): string {
  const lines = Object.entries(properties).map(
    ([name, value]) =>
      `  <property><name>${name}</name><value>${escaped(String(value))}</value></property>\n`,
  )
  return `<?xml version="1.0"?>\n<configuration>\n${lines.join('')}</configuration>\n`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

export const HADOOP_LOGGING = `log4j.rootLogger=INFO, console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target=System.err
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{ISO8601} %-5p %m (%c{1})%n
log4j.logger.org.apache.zookeeper=WARN
log4j.logger.org.apache.hadoop.hbase.zookeeper=WARN
`
