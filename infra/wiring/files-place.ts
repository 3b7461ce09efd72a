// Where the files are, as it is told to threads: each opens them by itself.

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Clock } from '#ports/clock'
import type { Files } from '#ports/files'
import { openFolderFiles } from '../embedded/folder-files.ts'
import { schemeOf } from './port-urls.ts'

export interface FilesPlace {
  /** `file:` a folder in the data folder, `file:///path` one that several processes share, `hdfs://…` on HDFS. */
  readonly url: string
  /** Absolute path of the data folder. */
  readonly data: string
}

/** @throws MillraceError CONFIG_INVALID, FILE_UNREADABLE */
export async function openFilesAt({ url, data }: FilesPlace, clock: Clock): Promise<Files> {
  if (schemeOf('files', url) === 'hdfs:') {
    const { openHdfsFiles } = await import('../hdfs/files.ts')
    return openHdfsFiles(url, clock)
  }
  if (url === 'file:') return openFolderFiles({ root: join(data, 'files') })
  return openFolderFiles({ root: fileURLToPath(url), isShared: true })
}
