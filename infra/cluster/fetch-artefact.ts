// The cache of what was fetched: one folder an artefact, named by a hash of its description, so that a new version is a new
// folder. A folder gets its name when it is whole and its digest is right: a broken download is never taken for a good one.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from './artefact-digest.ts'
import { ClusterError } from './cluster-error.ts'
import { fetchDebianPackage } from './debian-package.ts'
import { withLock } from './lock.ts'
import { fetchArchive, fetchJars } from './maven.ts'
import { fetchPythonPackage } from './python-package.ts'
import type { Artefact, Host } from './server.ts'

/** Longest wait for another process that fetches into the same cache. */
const FETCH_WAIT_MS = 600_000

/**
 * The folder that holds this artefact; for an executable that the machine has already, a folder that links to it.
 * @throws ClusterError tool-missing, fetch-failed, checksum-wrong, busy
 */
export async function fetchArtefact(
  artefact: Artefact,
  cache: string,
  host: Host,
): Promise<string> {
  const folder = join(cache, `${artefact.name}-${keyOf(artefact)}`)
  if (existsSync(folder)) return folder
  await mkdir(cache, { recursive: true })
  // One at a time: Maven's own folder of downloads is not made for several writers.
  return withLock(join(cache, 'fetch.lock'), FETCH_WAIT_MS, host, async () => {
    if (existsSync(folder)) return folder
    host.say(`fetching ${titleOf(artefact)}`)
    const temporary = await mkdtemp(join(cache, `${artefact.name}-part-`))
    try {
      const filled = await fill(artefact, temporary, host)
      await checkDigest(artefact, filled)
      await chmod(filled, 0o755)
      await rename(filled, folder)
    } finally {
      await rm(temporary, { recursive: true, force: true })
    }
    return folder
  })
}

function fill(artefact: Artefact, temporary: string, host: Host): Promise<string> {
  switch (artefact.kind) {
    case 'jars':
      return fetchJars(artefact.roots, temporary, host)
    case 'archive':
      return fetchArchive(artefact.coordinates, temporary, host)
    case 'python':
      return fetchPythonPackage({ ...artefact, name: artefact.package }, temporary, host)
    case 'debian':
      return fetchDebianPackage(artefact.package, artefact.executable, temporary, host)
  }
}

async function checkDigest(artefact: Artefact, folder: string): Promise<void> {
  if (artefact.kind === 'debian') return
  const digest = await digestOf(folder)
  if (digest === artefact.sha256) return
  throw new ClusterError('checksum-wrong', {
    what: titleOf(artefact),
    expected: artefact.sha256,
    found: digest,
  })
}

function titleOf(artefact: Artefact): string {
  switch (artefact.kind) {
    case 'jars':
      return artefact.roots[0] as string
    case 'archive':
      return artefact.coordinates
    case 'python':
      return `${artefact.package} ${artefact.version}`
    case 'debian':
      return artefact.package
  }
}

function keyOf(artefact: Artefact): string {
  return createHash('sha256').update(JSON.stringify(artefact)).digest('hex').slice(0, 12)
}
