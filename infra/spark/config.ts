// The address of a Spark Connect server: `sc://host:port`, as Spark's own clients write it.
import { MillraceError } from '#ports/errors'

export interface SparkConfig {
  /** `host:port`. */
  readonly address: string
}

const PORT_DEFAULT = 15002
const ADDRESS = /^sc:\/\/([\w.-]+|\[[\da-fA-F:]+\])(?::(\d{1,5}))?\/?$/

/** @throws MillraceError CONFIG_INVALID */
export function sparkConfig(url: string): SparkConfig {
  const [, host, port = PORT_DEFAULT] = ADDRESS.exec(url) ?? []
  if (host === undefined) {
    throw new MillraceError('CONFIG_INVALID', {
      where: 'batch',
      reason: `"${url}" is no address of a Spark Connect server`,
      mend: 'Write sc://host:port.',
    })
  }
  return { address: `${host}:${port}` }
}
