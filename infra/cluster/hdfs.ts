// HDFS: one name node and one data node.
import { join } from 'node:path'
import {
  HADOOP_ARTEFACT,
  HADOOP_LOGGING,
  HADOOP_VERSION,
  hadoopCommand,
  hadoopXml,
  WEB_FOLDERS,
} from './hadoop.ts'
import { httpGet } from './probe.ts'
import { type Place, type Ports, portOf, type Server, type ServerProcess } from './server.ts'

export const hdfs: Server = {
  name: 'hdfs',
  title: `HDFS ${HADOOP_VERSION}`,
  artefacts: [HADOOP_ARTEFACT],
  java: 17,
  neverRoot: false,
  ports: {
    'hdfs.namenode': 19820,
    'hdfs.namenode-http': 19870,
    'hdfs.datanode': 19866,
    'hdfs.datanode-ipc': 19867,
    'hdfs.datanode-http': 19864,
  },
  processes,
  // Millrace speaks to it over HTTP.
  settings: (ports) => ({
    files: `hdfs://127.0.0.1:${portOf(ports, 'hdfs.namenode-http')}/millrace`,
  }),
}

/** `hdfs://…`, as Hadoop's own clients name it. */
export function hdfsUrl(ports: Ports): string {
  return `hdfs://127.0.0.1:${portOf(ports, 'hdfs.namenode')}`
}

function processes({ folder, artefacts, java, ports }: Place): ServerProcess[] {
  const configuration = join(folder, 'conf')
  const jars = artefacts.get(HADOOP_ARTEFACT.name) ?? ''
  const command = (main: string, ...args: readonly string[]): readonly string[] =>
    hadoopCommand({ java, configuration, jars }, '512m', main, ...args)
  const nameNode = 'org.apache.hadoop.hdfs.server.namenode.NameNode'
  const common = {
    files: {
      [join(configuration, 'core-site.xml')]: hadoopXml({
        'fs.defaultFS': hdfsUrl(ports),
        'hadoop.tmp.dir': join(folder, 'tmp'),
        'hadoop.http.staticuser.user': 'millrace',
      }),
      [join(configuration, 'hdfs-site.xml')]: hadoopXml(site(folder, ports)),
      [join(configuration, 'log4j.properties')]: HADOOP_LOGGING,
    },
    folders: [folder, ...WEB_FOLDERS.map((name) => join(configuration, name))],
    environment: {},
    logs: [],
    startMs: 180_000,
    stopMs: 30_000,
  }
  return [
    {
      ...common,
      name: 'hdfs-namenode',
      after: [],
      prepare: {
        unless: join(folder, 'name/current/VERSION'),
        command: command(nameNode, '-format', '-nonInteractive'),
      },
      command: command(nameNode),
      address: hdfsUrl(ports),
      // It leaves its safe mode only when the data node has come.
      healthy: () => askNameNode(ports, 'NameNodeInfo', () => true),
    },
    {
      ...common,
      name: 'hdfs-datanode',
      after: ['hdfs-namenode'],
      command: command('org.apache.hadoop.hdfs.server.datanode.DataNode'),
      address: `http://127.0.0.1:${portOf(ports, 'hdfs.datanode-http')}`,
      healthy: async () =>
        (await askNameNode(ports, 'NameNodeInfo', (body) => /"Safemode"\s*:\s*""/.test(body))) &&
        (await askNameNode(ports, 'FSNamesystemState', (body) =>
          /"NumLiveDataNodes"\s*:\s*[1-9]/.test(body),
        )),
    },
  ]
}

function askNameNode(
  ports: Ports,
  bean: string,
  accept: (body: string) => boolean,
): Promise<boolean> {
  const http = `http://127.0.0.1:${portOf(ports, 'hdfs.namenode-http')}`
  return httpGet(`${http}/jmx?qry=Hadoop:service=NameNode,name=${bean}`, accept)
}

function site(folder: string, ports: Ports): Readonly<Record<string, string | number | boolean>> {
  const local = (name: string): string => `127.0.0.1:${portOf(ports, `hdfs.${name}`)}`
  return {
    'dfs.replication': 1,
    'dfs.namenode.name.dir': `file://${join(folder, 'name')}`,
    'dfs.datanode.data.dir': `file://${join(folder, 'blocks')}`,
    'dfs.namenode.rpc-address': local('namenode'),
    'dfs.namenode.http-address': local('namenode-http'),
    'dfs.datanode.address': local('datanode'),
    'dfs.datanode.ipc.address': local('datanode-ipc'),
    'dfs.datanode.http.address': local('datanode-http'),
    'dfs.datanode.hostname': 'localhost',
    'dfs.permissions.enabled': false,
    'dfs.namenode.safemode.extension': 0,
  }
}
