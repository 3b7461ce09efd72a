// Every server there is, by name.
import { elasticsearch } from './elasticsearch.ts'
import { hbase } from './hbase.ts'
import { kafka } from './kafka.ts'
import { redis } from './redis.ts'
import type { Server, ServerName } from './server.ts'

const ALL: readonly Server[] = [redis, kafka, elasticsearch, hbase]

export const SERVER_NAMES: readonly ServerName[] = ALL.map(({ name }) => name)

/** Started when nobody says which. */
export const DEFAULT_SERVERS: readonly ServerName[] = ['redis', 'kafka', 'elasticsearch', 'hbase']

/** The servers of these names, in the order of the table. */
export function serversOf(names: readonly ServerName[]): readonly Server[] {
  return ALL.filter(({ name }) => names.includes(name))
}
