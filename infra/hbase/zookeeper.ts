// What HBase tells through ZooKeeper: which server holds hbase:meta, and which master is active.
import { MillraceError } from '#ports/errors'
import { createZooKeeper, decodeServer } from './library.ts'

const RETRY_MS = 500
const META_ZNODE = '/meta-region-server'
const MASTER_ZNODE = '/master'

export interface HBaseAddresses {
  /** `host:port` of the server that holds hbase:meta, the newest that is known. */
  meta(): Promise<string>
  /** `host:port` of the active master. */
  master(): Promise<string>
  close(): void
}

/**
 * Watches ZooKeeper; resolves when it has told both addresses.
 * @throws MillraceError SERVER_UNREACHABLE when it has not within `timeoutMs`
 */
export async function watchAddresses(
  hosts: readonly string[],
  root: string,
  timeoutMs: number,
): Promise<HBaseAddresses> {
  const zooKeeper = createZooKeeper(hosts, root)
  let closed = false
  const watched = (path: string, message: 'MetaRegionServer' | 'Master') => {
    const first = Promise.withResolvers<void>()
    let address = ''
    const watch = (): void => {
      if (closed) return
      zooKeeper.unWatch(path)
      zooKeeper.watch(path, (error, value) => {
        const server = error || value === undefined ? null : decodeServer(value, message)
        if (server === null) {
          setTimeout(watch, RETRY_MS).unref()
          return
        }
        address = `${server.host}:${server.port}`
        first.resolve()
      })
    }
    watch()
    return { known: first.promise, address: () => address }
  }
  const meta = watched(META_ZNODE, 'MetaRegionServer')
  const master = watched(MASTER_ZNODE, 'Master')
  const close = (): void => {
    closed = true
    zooKeeper.close()
    zooKeeper.zk?.close()
  }
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const reason = `ZooKeeper named no HBase under ${root} within ${timeoutMs / 1000} s`
    const details = { port: 'store', address: hosts.join(', '), reason }
    late.reject(new MillraceError('SERVER_UNREACHABLE', details))
  }, timeoutMs)
  try {
    await Promise.race([Promise.all([meta.known, master.known]), late.promise])
  } catch (error) {
    close()
    throw error
  } finally {
    clearTimeout(timer)
  }
  return { meta: async () => meta.address(), master: async () => master.address(), close }
}
