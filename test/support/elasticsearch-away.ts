// Platforms over real servers whose Elasticsearch can be taken away.
import { dirname } from 'node:path'
import type { FragilePlatform } from './index-away.ts'
import { millraceJson } from './millrace-process.ts'
import { type ClusterShown, ownCluster } from './own-cluster.ts'
import { sharedPlace } from './shared-place.ts'
import { clusterConfig } from './test-cluster.ts'

interface Ends {
  after(end: () => Promise<void>): void
}

/** The Elasticsearch of the cluster that tests share: stopped, so that it takes connections and answers nothing. */
export async function stoppedElasticsearch(ends: Ends): Promise<FragilePlatform> {
  const shown = await millraceJson<ClusterShown>([
    ...['cluster', 'status', '--data', dirname(clusterConfig())],
  ])
  const pid = pidOf(shown)
  ends.after(async () => {
    process.kill(pid, 'SIGCONT')
  })
  const { config } = await sharedPlace(ends)
  return {
    place: await config('all'),
    leave: () => {
      process.kill(pid, 'SIGSTOP')
    },
    comeBack: () => {
      process.kill(pid, 'SIGCONT')
    },
  }
}

/** One of a cluster of its own: killed, so that connections are refused. */
export async function killedElasticsearch(ends: Ends): Promise<FragilePlatform> {
  const cluster = await ownCluster(ends)
  const shown = await cluster.up('redis,kafka,elasticsearch,hbase')
  const url = (name: string): string =>
    shown.processes.find((process) => process.name === name)?.address ?? ''
  const [log, store, index, queue] = ['kafka', 'hbase', 'elasticsearch', 'redis'].map(url)
  const { config } = await sharedPlace(ends, { log, store, index, queue } as Record<string, string>)
  return {
    place: await config('all'),
    leave: () => {
      process.kill(pidOf(shown), 'SIGKILL')
    },
    comeBack: async () => {
      await cluster.up('elasticsearch')
    },
  }
}

function pidOf({ processes }: ClusterShown): number {
  const pid = processes.find(({ name }) => name === 'elasticsearch')?.pid
  if (pid === undefined || pid === null) throw new Error('no Elasticsearch runs')
  return pid
}
