// Kills servers of the cluster that the tests share, and makes all of it run again.
import assert from 'node:assert/strict'
import { dirname } from 'node:path'
import { millraceJson } from './millrace-process.ts'
import type { ClusterShown } from './own-cluster.ts'
import { clusterConfig } from './test-cluster.ts'

const place = (): string[] => ['--data', dirname(clusterConfig())]

/** kill -9 of one of its processes: by its name (`hdfs-datanode`), or by the port of its address (`:16020`). */
export async function killServer(which: string): Promise<void> {
  const { processes } = await millraceJson<ClusterShown>(['cluster', 'status', ...place()])
  const found = processes.find(({ name, address }) => name === which || address.endsWith(which))
  assert.ok(found?.pid, `${which} does not run`)
  process.kill(found.pid, 'SIGKILL')
}

/** Starts what of these servers (`hdfs`, `hbase`) does not run; resolves when they are well. */
export async function restartServers(...names: readonly string[]): Promise<void> {
  await millraceJson(['cluster', 'up', '--only', names.join(','), ...place()])
}
