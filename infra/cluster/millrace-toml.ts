import { join } from 'node:path'
import type { Ports, Server } from './server.ts'

/** The platform's configuration for these servers; what they do not serve stays embedded. */
export function millraceToml(servers: readonly Server[], ports: Ports, cluster: string): string {
  const settings = servers.flatMap((server) => Object.entries(server.settings(ports)))
  const lines = [['data', join(cluster, 'data')], ...settings].map(
    ([key, value]) => `${key} = ${JSON.stringify(value)}\n`,
  )
  return `# Written by millrace cluster up: it is written anew each time.\n${lines.join('')}`
}
