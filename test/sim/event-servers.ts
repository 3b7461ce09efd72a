// Event servers are made once and lent to one process after the other, since making one costs as much as a run: all that
// they do goes to the intake and the directory of the process that has them now. A request whose process ended stays
// where it is for ever; nothing it waits for comes.
import type { FastifyInstance } from 'fastify'
import type { Directory } from '#ports/directory'
import { silentTelemetry } from '#ports/telemetry'
import { EMPTY_DIRECTORY } from '#schemas/directory-fold'
import type { Intake } from '../../ingest/intake.ts'
import { INGEST_LIMITS } from '../../ingest/limits.ts'
import { createEventServer } from '../../ingest/server.ts'
import type { Life } from './scheduler.ts'

interface Bound {
  readonly intake: Intake
  readonly directory: Directory
}

interface Lent {
  readonly server: FastifyInstance
  readonly lendTo: (bound: Bound | null) => void
}

/** What a server looks at when it is made. */
const EMPTY = { state: EMPTY_DIRECTORY } as Directory

/** By the number of the log's partitions, which a server knows from the beginning. */
const free = new Map<number, Lent[]>()

/** Makes as many as processes will run at once; else a run would go another way the first time than the second. */
export async function prepareEventServers(partitions: number, count: number): Promise<void> {
  const its = free.get(partitions) ?? []
  free.set(partitions, its)
  while (its.length < count) its.push(await create(partitions))
}

/** The event server of a process, until its life ends. */
export function lendEventServer(life: Life, bound: Bound): FastifyInstance {
  const its = free.get(bound.intake.partitions) ?? []
  const lent = its.pop()
  if (lent === undefined) throw new Error('more processes than servers')
  lent.lendTo(bound)
  const back = (): void => {
    lent.lendTo(null)
    its.push(lent)
  }
  life.ended.addEventListener('abort', back, { once: true })
  return lent.server
}

async function create(partitions: number): Promise<Lent> {
  let to: Bound | null = null
  const now = (): Bound => {
    if (to === null) throw new Error('this server belongs to no process')
    return to
  }
  const directory = forwarding<Directory>(() => to?.directory ?? EMPTY)
  const intake: Intake = {
    admission: (...request) => now().intake.admission(...request),
    writer: forwarding(() => now().intake.writer),
    barrier: forwarding(() => now().intake.barrier),
    store: forwarding(() => now().intake.store),
    clock: forwarding(() => now().intake.clock),
    telemetry: silentTelemetry,
    ids: (...time) => now().intake.ids(...time),
    partitions,
    stats: null,
    limits: INGEST_LIMITS,
  }
  const server = createEventServer({ directory, intake })
  await server.ready()
  return {
    server,
    lendTo: (bound) => {
      to = bound
    },
  }
}

/** An object whose members are those of what `target` gives at the time. */
function forwarding<T extends object>(target: () => T): T {
  return new Proxy({} as T, {
    get: (_, name) => Reflect.get(target(), name),
  })
}
