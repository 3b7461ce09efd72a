// The address of HDFS: `hdfs://user@host:port/folder`, of the NameNode's HTTP port, where WebHDFS answers.
import { MillraceError } from '#ports/errors'

export interface HdfsConfig {
  /** `http://host:port` */
  readonly nameNode: string
  /** The folder below which all files lie, without a slash at its end. */
  readonly root: string
  readonly user: string
}

const ADDRESS = /^hdfs:\/\/(?:([\w.-]+)@)?([\w.-]+(?::\d{1,5})?)((?:\/[\w.=-]+)+)\/?$/
const PORT_DEFAULT = 9870

/** @throws MillraceError CONFIG_INVALID */
export function hdfsConfig(url: string): HdfsConfig {
  const match = ADDRESS.exec(url)
  if (match === null) {
    throw new MillraceError('CONFIG_INVALID', {
      where: 'files',
      reason: `"${url}" is no folder on HDFS`,
      mend: `Write hdfs://host:port/folder with the HTTP address of the NameNode (its port is ${PORT_DEFAULT} unless it was changed).`,
    })
  }
  const [, user = 'millrace', host = '', root = ''] = match
  return { nameNode: `http://${host.includes(':') ? host : `${host}:${PORT_DEFAULT}`}`, root, user }
}
