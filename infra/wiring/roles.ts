// Which parts of the platform a process runs. Over embedded ports one process runs all of them; over servers, and files that
// all see, any number of processes run any of them.
import { MillraceError } from '#ports/errors'
import { type PortName, type PortUrls, schemeOf } from './port-urls.ts'

/** ingest: the event server. streams: the sinks. batch: jobs and schedules. serving: the query server. */
export const ROLES = ['ingest', 'streams', 'batch', 'serving'] as const
export type Role = (typeof ROLES)[number]

export const ALL_ROLES: ReadonlySet<Role> = new Set(ROLES)

/** Ports that belong to one process while they are embedded, with how they are shared. */
const TO_SHARE: readonly { readonly port: PortName; readonly mend: string }[] = [
  { port: 'log', mend: 'kafka://…' },
  { port: 'store', mend: 'hbase://…' },
  { port: 'index', mend: 'http://…' },
  { port: 'files', mend: 'hdfs://…' },
  { port: 'queue', mend: 'redis://…' },
]

const OWN: ReadonlySet<string> = new Set(['lmdb:', 'arrays:', 'file:'])

/** Several processes may work on these ports. */
export function isShared(ports: PortUrls): boolean {
  return unshared(ports).length === 0
}

function unshared(ports: PortUrls): typeof TO_SHARE {
  return TO_SHARE.filter(({ port }) => schemeOf(port, ports[port]) === null || OWN.has(ports[port]))
}

/**
 * The roles of `--roles`, separated by commas.
 * @throws MillraceError USAGE for one that does not exist, ROLES_NOT_SHARED for less than all over ports of one process
 */
export function rolesOf(text: string, ports: PortUrls): ReadonlySet<Role> {
  const asked = text.split(',')
  const unknown = asked.find((role) => !ALL_ROLES.has(role as Role))
  if (unknown !== undefined) {
    const reason = `there is no role "${unknown}"; roles are ${ROLES.join(', ')}`
    throw new MillraceError('USAGE', { reason, command: 'start' })
  }
  const roles = new Set(asked as Role[])
  const own = unshared(ports)
  if (roles.size === ROLES.length || own.length === 0) return roles
  throw new MillraceError('ROLES_NOT_SHARED', {
    roles: text,
    ports: own.map(({ port }) => `${port} (${ports[port]})`).join(', '),
    mends: own.map(({ port, mend }) => `${port} = "${mend}"`).join(', '),
  })
}
