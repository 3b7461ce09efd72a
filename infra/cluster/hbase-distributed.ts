// HBase in many processes on HDFS: ZooKeeper, a master and region servers, which can be killed one by one.
import { join } from 'node:path'
import {
  HADOOP_ARTEFACT,
  HADOOP_LOGGING,
  HBASE_VERSION,
  hadoopCommand,
  hadoopXml,
  WEB_FOLDERS,
} from './hadoop.ts'
import { HBASE_PORTS, hbaseSite, hbaseUrl, masterIsWell } from './hbase.ts'
import { hdfsUrl } from './hdfs.ts'
import { exchange, httpGet } from './probe.ts'
import { type Place, type Ports, portOf, type Server, type ServerProcess } from './server.ts'

const REGION_SERVER = 'org.apache.hadoop.hbase.regionserver.HRegionServer'

/** HBase with this many region servers. */
export function hbaseOnHdfs(regionServers: number): Server {
  return {
    name: 'hbase',
    title: `HBase ${HBASE_VERSION}, with ${regionServers} region servers on HDFS`,
    artefacts: [HADOOP_ARTEFACT],
    java: 17,
    neverRoot: false,
    ports: portsOf(regionServers),
    processes: (place) => processes(place, regionServers),
    settings: (ports) => ({ store: hbaseUrl(ports) }),
  }
}

/** The first region server has the ports of the one process; the others two more each. */
function portsOf(regionServers: number): Ports {
  const ports: Record<string, number> = { ...HBASE_PORTS }
  for (let n = 2; n <= regionServers; n++) {
    ports[`hbase.regionserver-${n}`] = 19_620 + n
    ports[`hbase.regionserver-info-${n}`] = 19_630 + n
  }
  return ports
}

function processes(place: Place, regionServers: number): ServerProcess[] {
  const { artefacts, java, ports } = place
  // Apart from what HBase in one process keeps: the two cannot read each other's data.
  const folder = join(place.folder, 'distributed')
  const configuration = join(folder, 'conf')
  const jars = artefacts.get(HADOOP_ARTEFACT.name) ?? ''
  // Without this ZooKeeper serves its console on every address.
  const options = ['-Dzookeeper.admin.enableServer=false']
  const command = (heap: string, ...args: readonly [string, ...string[]]): readonly string[] =>
    hadoopCommand({ java, configuration, jars, options }, heap, ...args)
  const common = {
    files: {
      [join(configuration, 'hbase-site.xml')]: hadoopXml({
        ...hbaseSite(folder, ports),
        'hbase.cluster.distributed': true,
        'hbase.rootdir': `${hdfsUrl(ports)}/hbase`,
      }),
      [join(configuration, 'core-site.xml')]: hadoopXml({ 'fs.defaultFS': hdfsUrl(ports) }),
      [join(configuration, 'hdfs-site.xml')]: hadoopXml({ 'dfs.replication': 1 }),
      [join(configuration, 'log4j.properties')]: HADOOP_LOGGING,
    },
    folders: [place.folder, folder, ...WEB_FOLDERS.map((name) => join(configuration, name))],
    environment: {},
    logs: [],
    startMs: 240_000,
    stopMs: 60_000,
  }
  const zooKeeper = portOf(ports, 'hbase.zookeeper')
  return [
    {
      ...common,
      name: 'hbase-zookeeper',
      after: [],
      command: command('256m', 'org.apache.hadoop.hbase.zookeeper.HQuorumPeer', 'start'),
      address: `127.0.0.1:${zooKeeper}`,
      healthy: () =>
        exchange(zooKeeper, Buffer.from('srvr'), (reply) => reply.includes('Zookeeper version')),
    },
    {
      ...common,
      name: 'hbase-master',
      after: ['hbase-zookeeper', 'hdfs-datanode'],
      command: command('512m', 'org.apache.hadoop.hbase.master.HMaster', 'start'),
      address: hbaseUrl(ports),
      healthy: () => masterIsWell(ports),
    },
    ...Array.from({ length: regionServers }, (_, at) => {
      const { port, info } = regionServerPorts(ports, at + 1)
      const own = ['-D', `hbase.regionserver.port=${port}`]
      return {
        ...common,
        name: `hbase-regionserver-${at + 1}`,
        after: ['hbase-zookeeper', 'hdfs-datanode'],
        command: command(
          '768m',
          ...([
            REGION_SERVER,
            ...own,
            '-D',
            `hbase.regionserver.info.port=${info}`,
            'start',
          ] as const),
        ),
        address: `127.0.0.1:${port}`,
        healthy: () => regionServerIsWell(info),
      }
    }),
  ]
}

function regionServerPorts(ports: Ports, n: number): { port: number; info: number } {
  const end = n === 1 ? '' : `-${n}`
  return {
    port: portOf(ports, `hbase.regionserver${end}`),
    info: portOf(ports, `hbase.regionserver-info${end}`),
  }
}

/** It knows the cluster's id from the moment that the master has taken it. */
function regionServerIsWell(info: number): Promise<boolean> {
  const bean = 'Hadoop:service=HBase,name=RegionServer,sub=Server'
  return httpGet(`http://127.0.0.1:${info}/jmx?qry=${bean}`, (body) =>
    /"tag.clusterId"\s*:\s*"\w/.test(body),
  )
}
