// The servers that `npm run test:cluster` has found or started.
import { readFileSync } from 'node:fs'
import { parse } from 'smol-toml'

/** Names the millrace.toml of the cluster. Not MILLRACE_…, which would be a setting. */
export const CLUSTER_VARIABLE = 'TEST_CLUSTER_CONFIG'

/** Path of the cluster's millrace.toml. Fails, and does not skip, when the test is run without a cluster. */
export function clusterConfig(): string {
  const file = process.env[CLUSTER_VARIABLE]
  if (file !== undefined) return file
  throw new Error(`run it as: npm run test:cluster -- ./.cluster test/cluster/NAME.test.ts`)
}

/** The URL that a port has on the cluster: `log`, `store`, `index`, `queue`, … */
export function clusterUrl(port: string): string {
  const url = parse(readFileSync(clusterConfig(), 'utf8'))[port]
  if (typeof url === 'string') return url
  throw new Error(`the cluster serves no ${port}: start it with millrace cluster up`)
}
