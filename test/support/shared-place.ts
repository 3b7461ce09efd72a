// Platforms over the servers of the cluster, all ports shared: processes of one installation, each with a data folder of its own.
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { temporaryPrefix } from './kafka.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { clusterUrl } from './test-cluster.ts'

export interface SharedPlace {
  readonly folder: string
  readonly prefix: string
  /** Writes the configuration of one process. @returns its path */
  config(name: string): Promise<string>
}

/** An installation that nobody else uses; `ports` takes the place of the cluster's URLs. */
export async function sharedPlace(
  t: Pick<TestContext, 'after'>,
  ports: Readonly<Record<string, string>> = {},
): Promise<SharedPlace> {
  const folder = await temporaryFolder(t)
  const onCluster = ports.log === undefined
  const prefix = onCluster ? temporaryPrefix(t) : `test-${randomUUID().slice(0, 8)}`
  const urls = Object.fromEntries(
    ['log', 'store', 'index', 'queue'].map((port) => [port, ports[port] ?? clusterUrl(port)]),
  )
  const files = `file://${join(folder, 'files')}`
  return {
    folder,
    prefix,
    config: async (name) => {
      const file = join(folder, `${name}.toml`)
      const settings = { prefix, ...urls, files, data: join(folder, name) }
      const lines = Object.entries(settings).map(([key, value]) => `${key} = "${value}"\n`)
      await writeFile(file, lines.join(''))
      return file
    },
  }
}
