// Every server there is, by name.
import { elasticsearch } from './elasticsearch.ts'
import { hbase } from './hbase.ts'
import { hbaseOnHdfs } from './hbase-distributed.ts'
import { hdfs } from './hdfs.ts'
import { kafka } from './kafka.ts'
import { redis } from './redis.ts'
import type { Server, ServerName } from './server.ts'
import { spark, sparkWithWorkers } from './spark.ts'

/** In the order in which they start; they stop in the other. */
export const SERVER_NAMES: readonly ServerName[] = [
  ...(['redis', 'kafka', 'elasticsearch', 'hdfs', 'hbase', 'spark'] as const),
]

/** Started when nobody says which. */
export const DEFAULT_SERVERS: readonly ServerName[] = ['redis', 'kafka', 'elasticsearch', 'hbase']

/** Region servers that a machine has room for. */
export const REGION_SERVERS_MAX = 5
export const SPARK_WORKERS_MAX = 4

/** How a cluster's servers are divided into processes. */
export interface Forms {
  /** Of HBase on HDFS, 1 to REGION_SERVERS_MAX; 0: HBase is one process on the local disk. */
  readonly regionServers: number
  /** Of Spark, beside a master, 1 to SPARK_WORKERS_MAX; 0: Spark is one process. */
  readonly sparkWorkers: number
}

/** The servers of these names. */
export function serversOf(
  names: readonly ServerName[],
  { regionServers, sparkWorkers }: Forms,
): readonly Server[] {
  const onHdfs = regionServers > 0
  const all: readonly Server[] = [
    ...[redis, kafka, elasticsearch, hdfs],
    onHdfs ? hbaseOnHdfs(regionServers) : hbase,
    sparkWorkers > 0 ? sparkWithWorkers(sparkWorkers) : spark,
  ]
  return all.filter(
    ({ name }) => names.includes(name) || (name === 'hdfs' && onHdfs && names.includes('hbase')),
  )
}
