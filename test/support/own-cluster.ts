// A cluster of a test's own, for what would hurt the one that tests share: killing, flushing, stopping a server.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { millrace, millraceJson } from './millrace-process.ts'

export interface ClusterShown {
  readonly config: string
  readonly processes: readonly {
    readonly name: string
    readonly state: string
    readonly pid: number | null
    readonly address: string
    readonly residentBytes: number
    readonly tail: string | null
  }[]
}

export interface OwnCluster {
  readonly folder: string
  /** The arguments of a cluster command for this cluster. */
  on(...args: readonly string[]): string[]
  /** Starts what does not run of these servers. */
  up(servers: string): Promise<ClusterShown>
}

/** Stopped and removed when the test ends. */
export async function ownCluster(test: {
  after(end: () => Promise<void>): void
}): Promise<OwnCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-cluster-'))
  const on = (...args: readonly string[]): string[] => ['cluster', ...args, '--data', folder]
  test.after(async () => {
    await millrace(on('down'))
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  return {
    folder,
    on,
    up: (servers) => millraceJson<ClusterShown>(on('up', '--only', servers, '--free-ports')),
  }
}
