// Ports are fixed, so that they can be remembered, and move on in steps when they are taken. A port is taken when somebody listens
// on it, or when another cluster has written that it is its own: a server that starts listens only seconds later.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { ClusterError } from './cluster-error.ts'
import { clusterFolder } from './cluster-folder.ts'
import type { Ports } from './server.ts'

const STEP = 100
const STEPS_MAX = 60

export interface PortWishes {
  readonly defaults: Ports
  /** Those that this cluster has already. */
  readonly own: Ports
  /** Names of those that a running process of this cluster listens on. */
  readonly inUse: ReadonlySet<string>
  /** Any free ports instead of the defaults. */
  readonly free: boolean
}

/**
 * A port for each name. Called by one process of this machine at a time.
 * @param register folder where clusters write which ports are theirs
 * @param cluster this cluster's folder
 * @throws ClusterError server-failed when none is free
 */
export async function choosePorts(
  wishes: PortWishes,
  register: string,
  cluster: string,
): Promise<Ports> {
  await mkdir(register, { recursive: true })
  const chosen: Record<string, number> = {}
  for (const [name, fallback] of Object.entries(wishes.defaults)) {
    const own = wishes.own[name]
    const taken = new Set(Object.values(chosen))
    if (own !== undefined && wishes.inUse.has(name)) chosen[name] = own
    else if (own === undefined && wishes.free) chosen[name] = await anyFree()
    else chosen[name] = await firstFree(own ?? fallback, taken, register, cluster, name)
    await writeFile(entryOf(register, chosen[name]), cluster)
  }
  return chosen
}

async function firstFree(
  start: number,
  taken: ReadonlySet<number>,
  register: string,
  cluster: string,
  name: string,
): Promise<number> {
  for (let step = 0; step < STEPS_MAX; step++) {
    const port = start + step * STEP
    if (taken.has(port)) continue
    if (await belongsToAnother(port, register, cluster)) continue
    if (await isFree(port)) return port
  }
  throw new ClusterError('server-failed', {
    server: name,
    reason: `no port of ${start}, ${start + STEP}, … ${start + (STEPS_MAX - 1) * STEP} is free`,
    log: 'none',
    tail: '',
  })
}

async function belongsToAnother(port: number, register: string, cluster: string): Promise<boolean> {
  const owner = await readFile(entryOf(register, port), 'utf8').catch(() => cluster)
  if (owner === cluster) return false
  // The other cluster may have been deleted, or may have moved on since.
  const state = await clusterFolder(owner)
    .readState()
    .catch(() => null)
  return state !== null && Object.values(state.ports).includes(port)
}

function entryOf(register: string, port: number): string {
  return join(register, String(port))
}

function isFree(port: number): Promise<boolean> {
  return listenOnce(port).then(
    () => true,
    () => false,
  )
}

function anyFree(): Promise<number> {
  return listenOnce(0)
}

function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      const found = typeof address === 'object' && address !== null ? address.port : port
      server.close(() => resolve(found))
    })
  })
}
