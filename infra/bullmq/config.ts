// The address of Redis: `redis://user:password@host:port/database`.
import { MillraceError } from '#ports/errors'

export interface RedisConfig {
  readonly host: string
  readonly port: number
  readonly user: string | undefined
  readonly password: string | undefined
  readonly database: number
  /** Begins the names of all keys. */
  readonly prefix: string
  /** `host:port`, for messages. */
  readonly address: string
}

const PORT_DEFAULT = 6379
const DATABASE = /^\/?(\d{0,3})$/

/** @throws MillraceError CONFIG_INVALID */
export function redisConfig(url: string, prefix: string): RedisConfig {
  const parsed = URL.parse(url)
  const database = DATABASE.exec(parsed?.pathname ?? '')
  if (parsed === null || parsed.protocol !== 'redis:' || !parsed.hostname || database === null) {
    throw new MillraceError('CONFIG_INVALID', {
      where: 'queue',
      reason: 'it is no address of Redis',
      mend: 'Write redis://host:port, or redis://user:password@host:port/database.',
    })
  }
  const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1')
  const port = parsed.port === '' ? PORT_DEFAULT : Number(parsed.port)
  return {
    host,
    port,
    user: parsed.username === '' ? undefined : decodeURIComponent(parsed.username),
    password: parsed.password === '' ? undefined : decodeURIComponent(parsed.password),
    database: Number(database[1]),
    prefix,
    address: `${host}:${port}`,
  }
}
