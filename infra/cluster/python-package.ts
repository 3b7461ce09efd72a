// Fetches the source archive of a Python package by pip: Spark's holds the whole server, and no Python is run with it.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ClusterError } from './cluster-error.ts'
import { onPath } from './on-path.ts'
import { gistOf, runTool } from './run-tool.ts'
import type { Host } from './server.ts'

const LIMIT_MS = 900_000

/**
 * A folder with some of the archive's folders, unpacked.
 * @throws ClusterError tool-missing, fetch-failed
 */
export async function fetchPythonPackage(
  { name, version, folders }: { name: string; version: string; folders: readonly string[] },
  temporary: string,
  host: Host,
): Promise<string> {
  const what = `${name}==${version}`
  const pip = (await onPath('pip3', host)) ?? (await onPath('pip', host))
  if (pip === null) {
    throw new ClusterError('tool-missing', {
      tool: 'pip',
      reason: `it is not on the PATH, and ${what} is fetched with it`,
      mend: 'Install pip (Debian: apt-get install python3-pip).',
    })
  }
  const root = join(temporary, 'root')
  await mkdir(root)
  const run = async (...command: string[]): Promise<void> => {
    const { code, output } = await runTool({
      command,
      folder: temporary,
      environment: host.environment,
      limitMs: LIMIT_MS,
    })
    if (code !== 0) throw new ClusterError('fetch-failed', { what, reason: gistOf(output) })
  }
  await run(pip, '--quiet', 'download', '--no-deps', '--no-binary', ':all:', what)
  const top = `${name}-${version}`
  const wanted = folders.map((folder) => `${top}/${folder}`)
  await run('tar', '-xzf', `${top}.tar.gz`, '-C', root, '--no-same-owner', ...wanted)
  return root
}
