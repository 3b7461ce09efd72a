// A package of a Debian distribution, with those of its dependencies that the machine lacks, unpacked into a folder: nothing is
// installed, and apt works on lists of its own, so that neither root nor a fresh `apt-get update` is needed.
import { mkdir, readdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ClusterError } from './cluster-error.ts'
import { onPath } from './on-path.ts'
import { gistOf, runTool } from './run-tool.ts'
import type { Host } from './server.ts'

const LIMIT_MS = 180_000

/**
 * A folder with the package's files (`usr/bin/…`).
 * @throws ClusterError tool-missing, fetch-failed
 */
export async function fetchDebianPackage(
  name: string,
  executable: string,
  temporary: string,
  host: Host,
): Promise<string> {
  const root = join(temporary, 'root')
  const present = await onPath(executable, host)
  if (present !== null) {
    const link = join(root, 'usr/bin', executable)
    await mkdir(dirname(link), { recursive: true })
    await symlink(present, link)
    return root
  }
  if ((await onPath('apt-get', host)) === null || (await onPath('dpkg', host)) === null) {
    throw new ClusterError('tool-missing', {
      tool: executable,
      reason: 'it is not on the PATH, and there is no apt-get to fetch it with',
      mend: `Install ${executable} with your package manager, so that it is on the PATH.`,
    })
  }
  const packages = join(temporary, 'packages')
  for (const folder of ['lists/partial', 'archives/partial']) {
    await mkdir(join(temporary, 'apt', folder), { recursive: true })
  }
  await mkdir(packages)
  const run = async (...command: string[]): Promise<string> => {
    const ran = await runTool({
      command,
      folder: packages,
      environment: { ...host.environment, LC_ALL: 'C' },
      limitMs: LIMIT_MS,
    })
    if (ran.code === 0) return ran.output
    throw new ClusterError('fetch-failed', { what: name, reason: gistOf(ran.output) })
  }
  const apt = (...args: string[]): Promise<string> =>
    run('apt-get', '-q', ...ownFolders(join(temporary, 'apt')), ...args)
  await apt('update')
  const plan = await apt('--simulate', '--no-install-recommends', 'install', name)
  const missing = [...plan.matchAll(/^Inst (\S+) /gm)].map((match) => match[1] as string)
  await apt('download', ...missing)
  for (const file of await readdir(packages)) await run('dpkg', '-x', file, root)
  return root
}

function ownFolders(folder: string): string[] {
  return [
    ...['-o', `Dir::State::lists=${join(folder, 'lists')}`],
    ...['-o', `Dir::Cache=${folder}`, '-o', 'Debug::NoLocking=1'],
    ...['-o', 'APT::Sandbox::User='],
  ]
}
