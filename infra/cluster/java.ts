// Finds a Java that is new enough: JAVA_HOME, then the PATH, then where distributions put theirs.
import { readdir, realpath } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { ClusterError } from './cluster-error.ts'
import { runTool } from './run-tool.ts'
import type { Host } from './server.ts'

const JAVA_FOLDERS = '/usr/lib/jvm'

/**
 * The path of the first java executable of at least this version, links resolved.
 * @throws ClusterError tool-missing
 */
export async function findJava(lowest: number, host: Host): Promise<string> {
  const seen: string[] = []
  for (const candidate of await candidates(host)) {
    const path = await realpath(candidate).catch(() => null)
    if (path === null) continue
    const version = await versionOf(path, host)
    if (version >= lowest) return path
    seen.push(`${path} is Java ${version}`)
  }
  throw new ClusterError('tool-missing', {
    tool: `Java ${lowest}`,
    reason: seen.length === 0 ? 'none was found' : seen.join(', '),
    mend: `Install a Java of version ${lowest} or later (Debian: apt-get install openjdk-17-jre-headless), or set JAVA_HOME to one.`,
  })
}

async function candidates({ environment }: Host): Promise<string[]> {
  const home = environment.JAVA_HOME
  const folders = await readdir(JAVA_FOLDERS).catch(() => [])
  return [
    ...(home ? [join(home, 'bin/java')] : []),
    ...(environment.PATH ?? '').split(delimiter).map((folder) => join(folder, 'java')),
    ...folders.sort().map((folder) => join(JAVA_FOLDERS, folder, 'bin/java')),
  ]
}

async function versionOf(java: string, { environment }: Host): Promise<number> {
  const command = [java, '-XshowSettings:properties', '-version']
  const { output } = await runTool({ command, folder: '/', environment, limitMs: 30_000 })
  return Number(/java\.specification\.version = (?:1\.)?(\d+)/.exec(output)?.[1] ?? 0)
}
