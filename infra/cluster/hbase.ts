// HBase in one process on the local disk, with its own ZooKeeper in it.
import { join } from 'node:path'
import {
  HADOOP_ARTEFACT,
  HADOOP_LOGGING,
  HBASE_VERSION,
  hadoopCommand,
  hadoopXml,
  WEB_FOLDERS,
} from './hadoop.ts'
import { httpGet } from './probe.ts'
import { type Place, type Ports, portOf, type Server, type ServerProcess } from './server.ts'

export const HBASE_PORTS: Ports = {
  'hbase.zookeeper': 19181,
  'hbase.master': 19600,
  'hbase.master-info': 19610,
  'hbase.regionserver': 19620,
  'hbase.regionserver-info': 19630,
}

export const hbase: Server = {
  name: 'hbase',
  title: `HBase ${HBASE_VERSION}, in one process`,
  artefacts: [HADOOP_ARTEFACT],
  java: 17,
  neverRoot: false,
  ports: HBASE_PORTS,
  processes,
  settings: (ports) => ({ store: hbaseUrl(ports) }),
}

/** Clients find HBase by its ZooKeeper. */
export function hbaseUrl(ports: Ports): string {
  return `hbase://127.0.0.1:${portOf(ports, 'hbase.zookeeper')}`
}

function processes({ folder, artefacts, java, ports }: Place): ServerProcess[] {
  const configuration = join(folder, 'conf')
  const jars = artefacts.get(HADOOP_ARTEFACT.name) ?? ''
  const site = {
    ...hbaseSite(folder, ports),
    'hbase.cluster.distributed': false,
    'hbase.rootdir': `file://${join(folder, 'data')}`,
  }
  return [
    {
      name: 'hbase',
      after: [],
      files: {
        [join(configuration, 'hbase-site.xml')]: hadoopXml(site),
        // The usual local file system cannot sync, so it would lose what was acknowledged.
        [join(configuration, 'core-site.xml')]: hadoopXml({
          'fs.file.impl': 'org.apache.hadoop.fs.RawLocalFileSystem',
        }),
        [join(configuration, 'log4j.properties')]: HADOOP_LOGGING,
      },
      folders: [folder, ...WEB_FOLDERS.map((name) => join(configuration, name))],
      command: hadoopCommand(
        { java, configuration, jars },
        '1g',
        'org.apache.hadoop.hbase.master.HMaster',
        'start',
      ),
      environment: {},
      logs: [],
      address: hbaseUrl(ports),
      healthy: () => masterIsWell(ports),
      startMs: 240_000,
      stopMs: 60_000,
    },
  ]
}

/** Whether the master is active and through with its start: by then it has a region server, and the table of all regions. */
export function masterIsWell(ports: Ports): Promise<boolean> {
  const port = portOf(ports, 'hbase.master-info')
  const bean = 'Hadoop:service=HBase,name=Master,sub=Server'
  return httpGet(
    `http://127.0.0.1:${port}/jmx?qry=${bean}`,
    (body) =>
      /"tag.isActiveMaster"\s*:\s*"true"/.test(body) &&
      /"masterFinishedInitializationTime"\s*:\s*[1-9]/.test(body) &&
      /"numRegionServers"\s*:\s*[1-9]/.test(body),
  )
}

/** What hbase-site.xml holds in one process and in many; everything listens on the loopback address only. */
export function hbaseSite(folder: string, ports: Ports): Record<string, string | number | boolean> {
  return {
    'hbase.tmp.dir': join(folder, 'tmp'),
    'hbase.zookeeper.quorum': '127.0.0.1',
    'hbase.zookeeper.property.clientPort': portOf(ports, 'hbase.zookeeper'),
    'hbase.zookeeper.property.clientPortAddress': '127.0.0.1',
    'hbase.zookeeper.property.dataDir': join(folder, 'zookeeper'),
    'hbase.zookeeper.property.tickTime': 2000,
    'hbase.zookeeper.property.maxClientCnxns': 300,
    'zookeeper.session.timeout': 15_000,
    'hbase.master.ipc.address': '127.0.0.1',
    'hbase.regionserver.ipc.address': '127.0.0.1',
    'hbase.master.hostname': 'localhost',
    'hbase.unsafe.regionserver.hostname': 'localhost',
    'hbase.master.info.bindAddress': '127.0.0.1',
    'hbase.regionserver.info.bindAddress': '127.0.0.1',
    'hbase.master.port': portOf(ports, 'hbase.master'),
    'hbase.master.info.port': portOf(ports, 'hbase.master-info'),
    'hbase.regionserver.port': portOf(ports, 'hbase.regionserver'),
    'hbase.regionserver.info.port': portOf(ports, 'hbase.regionserver-info'),
    // One machine needs no long waits for others at its start.
    'hbase.regionserver.msginterval': 500,
    'hbase.master.wait.on.regionservers.timeout': 1500,
    'hbase.master.wait.on.regionservers.interval': 500,
  }
}
