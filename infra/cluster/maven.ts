// Fetches from Maven's registry by Maven itself, with the settings that the machine has for it.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ClusterError } from './cluster-error.ts'
import { onPath } from './on-path.ts'
import { gistOf, runTool } from './run-tool.ts'
import type { Host } from './server.ts'

const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1'
const LIMIT_MS = 600_000

/**
 * The jars of these roots (group:artefact:version) and of all that they need at run time, in one folder.
 * @throws ClusterError tool-missing, fetch-failed
 */
export async function fetchJars(
  roots: readonly string[],
  temporary: string,
  host: Host,
): Promise<string> {
  const pom = join(temporary, 'pom.xml')
  const folder = join(temporary, 'lib')
  await writeFile(pom, pomOf(roots))
  const goal = ['-f', pom, `${PLUGIN}:copy-dependencies`, '-DincludeScope=runtime']
  await maven([...goal, `-DoutputDirectory=${folder}`], roots[0] as string, temporary, host)
  return folder
}

/**
 * An archive (group:artefact:version:type), unpacked.
 * @throws ClusterError tool-missing, fetch-failed
 */
export async function fetchArchive(
  coordinates: string,
  temporary: string,
  host: Host,
): Promise<string> {
  const folder = join(temporary, 'unpacked')
  await mkdir(folder)
  const goal = [`${PLUGIN}:unpack`, `-Dartifact=${coordinates}`]
  await maven([...goal, `-DoutputDirectory=${folder}`], coordinates, temporary, host)
  return folder
}

async function maven(
  args: readonly string[],
  what: string,
  folder: string,
  host: Host,
): Promise<void> {
  const mvn = await onPath('mvn', host)
  if (mvn === null) {
    throw new ClusterError('tool-missing', {
      tool: 'Maven',
      reason: `mvn is not on the PATH, and ${what} is fetched with it`,
      mend: 'Install Maven 3.6 or later (Debian: apt-get install maven).',
    })
  }
  const { code, output } = await runTool({
    command: [
      mvn,
      '--batch-mode',
      '--no-transfer-progress',
      '--quiet',
      '--strict-checksums',
      ...args,
    ],
    folder,
    environment: host.environment,
    limitMs: LIMIT_MS,
  })
  if (code !== 0) throw new ClusterError('fetch-failed', { what, reason: gistOf(output) })
}

function pomOf(roots: readonly string[]): string {
  const dependencies = roots.map((root) => {
    const [group, artefact, version] = root.split(':')
    return `<dependency><groupId>${group}</groupId><artifactId>${artefact}</artifactId><version>${version}</version></dependency>`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>local</groupId><artifactId>server</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
${dependencies.join('\n')}
</dependencies></project>
`
}
