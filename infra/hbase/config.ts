// The address of HBase: `hbase://host:port,host:port/znode`, of its ZooKeeper servers and the root of its znodes.
import { MillraceError } from '#ports/errors'

export interface HBaseConfig {
  /** `host:port` of the ZooKeeper servers. */
  readonly zooKeeper: readonly string[]
  /** Root of HBase's znodes, `/hbase` unless it was changed. */
  readonly root: string
  /** As whom HBase's simple authentication takes us. */
  readonly user: string
}

const PORT_DEFAULT = 2181
const ADDRESS = /^hbase:\/\/(?:([\w.-]+)@)?([\w.:,-]+)(\/[\w/-]*)?$/

/** @throws MillraceError CONFIG_INVALID */
export function hbaseConfig(url: string): HBaseConfig {
  const match = ADDRESS.exec(url)
  if (match === null) {
    throw new MillraceError('CONFIG_INVALID', {
      where: 'store',
      reason: `"${url}" is no address of HBase`,
      mend: 'Write hbase://host:port,host:port with the addresses of its ZooKeeper servers.',
    })
  }
  const [, user = 'millrace', hosts = '', root = ''] = match
  return {
    zooKeeper: hosts
      .split(',')
      .map((host) => (host.includes(':') ? host : `${host}:${PORT_DEFAULT}`)),
    root: root === '' || root === '/' ? '/hbase' : root,
    user,
  }
}
