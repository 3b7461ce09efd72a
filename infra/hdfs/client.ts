// WebHDFS: control calls and reads by `fetch`; bodies are sent by `node:http`, because DataNodes answer 100 Continue unasked,
// which `fetch` takes for a broken reply.
import { request as httpRequest } from 'node:http'
import type { Clock } from '#ports/clock'
import type { HdfsConfig } from './config.ts'
import { isPassing, RemoteException } from './errors.ts'

export interface FileStatus {
  /** Name below the folder that was listed; empty for the file itself. */
  readonly pathSuffix: string
  readonly type: 'FILE' | 'DIRECTORY'
  readonly length: number
}

/** A file that is being written. */
export interface Upload {
  write(chunk: Uint8Array): Promise<void>
  /** Resolves when all of it is on the DataNodes. */
  end(): Promise<void>
  destroy(): void
}

export interface WebHdfs {
  /** Paths are absolute. Opens a new file; one of this path is an error. */
  create(path: string): Promise<Upload>
  open(path: string, offset: number, length: number | null): Promise<Uint8Array>
  status(path: string): Promise<FileStatus>
  /** Of a folder its entries, of a file itself. */
  list(path: string): Promise<readonly FileStatus[]>
  makeFolders(path: string): Promise<void>
  /** False when the target is there already. */
  rename(from: string, to: string): Promise<boolean>
  /** With everything below it; false when there is none. */
  remove(path: string): Promise<boolean>
}

const CALL_TIMEOUT_MS = 60_000
const RETRY_FOR_MS = 60_000
const PAUSE_FIRST_MS = 100
const PAUSE_LONGEST_MS = 2000

type Method = 'GET' | 'PUT' | 'DELETE'

export function createWebHdfs({ nameNode, user }: HdfsConfig, clock: Clock): WebHdfs {
  const address = (
    path: string,
    operation: string,
    parameters: Record<string, string> = {},
  ): string => {
    const encoded = path.split('/').map(encodeURIComponent).join('/')
    const query = new URLSearchParams({ op: operation, 'user.name': user, ...parameters })
    return `${nameNode}/webhdfs/v1${encoded}?${query}`
  }
  /** Makes a call again while the NameNode is away; all of them may be repeated. */
  const persist = async <T>(call: () => Promise<T>): Promise<T> => {
    const until = clock.monotonic() + RETRY_FOR_MS
    for (let pause = PAUSE_FIRST_MS; ; pause = Math.min(2 * pause, PAUSE_LONGEST_MS)) {
      try {
        return await call()
      } catch (error) {
        if (!isPassing(error) || clock.monotonic() > until) throw error
        await clock.sleep(pause)
      }
    }
  }
  const call = <T>(method: Method, url: string): Promise<T> =>
    persist(async () => {
      const reply = await fetch(url, { method, signal: AbortSignal.timeout(CALL_TIMEOUT_MS) })
      await assertDone(reply)
      const text = await reply.text()
      return (text === '' ? {} : JSON.parse(text)) as T
    })
  return {
    create: async (path) => {
      const url = address(path, 'CREATE', { overwrite: 'false', noredirect: 'true' })
      const { Location } = await call<{ Location: string }>('PUT', url)
      return upload(Location)
    },
    open: (path, offset, length) =>
      persist(async () => {
        const bounds = length === null ? {} : { length: String(length) }
        const url = address(path, 'OPEN', { offset: String(offset), ...bounds })
        const reply = await fetch(url, { signal: AbortSignal.timeout(CALL_TIMEOUT_MS) })
        await assertDone(reply)
        return new Uint8Array(await reply.arrayBuffer())
      }),
    status: async (path) =>
      (await call<{ FileStatus: FileStatus }>('GET', address(path, 'GETFILESTATUS'))).FileStatus,
    list: async (path) => {
      const { FileStatuses } = await call<{ FileStatuses: { FileStatus: FileStatus[] } }>(
        'GET',
        address(path, 'LISTSTATUS'),
      )
      return FileStatuses.FileStatus
    },
    makeFolders: async (path) => {
      await call('PUT', address(path, 'MKDIRS'))
    },
    rename: async (from, to) => {
      const url = address(from, 'RENAME', { destination: to })
      return (await call<{ boolean: boolean }>('PUT', url)).boolean
    },
    remove: async (path) => {
      const url = address(path, 'DELETE', { recursive: 'true' })
      return (await call<{ boolean: boolean }>('DELETE', url)).boolean
    },
  }
}

/** @throws RemoteException */
async function assertDone(reply: Response): Promise<void> {
  if (reply.ok) return
  throw remoteException(reply.status, await reply.text())
}

function remoteException(status: number, body: string): RemoteException {
  try {
    const { exception, message } = (
      JSON.parse(body) as { RemoteException: { exception: string; message: string } }
    ).RemoteException
    return new RemoteException(exception, message.split('\n')[0] ?? '')
  } catch {
    return new RemoteException('HttpError', `status ${status}`)
  }
}

/** Streams one body to a DataNode. */
function upload(location: string): Upload {
  const request = httpRequest(location, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
  })
  const done = Promise.withResolvers<void>()
  request.on('error', (error) => done.reject(error))
  request.on('response', (response) => {
    let body = ''
    response.setEncoding('utf8')
    response.on('data', (text: string) => {
      body += text
    })
    response.on('error', (error) => done.reject(error))
    response.on('end', () => {
      const status = response.statusCode ?? 0
      if (status === 201) done.resolve()
      else done.reject(remoteException(status, body))
    })
  })
  // Whoever writes hears of a failure at the next write, or at the end.
  done.promise.catch(() => {})
  return {
    write: async (chunk) => {
      // The stream keeps what it is given; the caller may change it.
      if (request.write(Buffer.from(chunk))) return
      const drained = new Promise<void>((resolve) => request.once('drain', resolve))
      await Promise.race([drained, done.promise])
    },
    end: async () => {
      request.end()
      await done.promise
    },
    destroy: () => void request.destroy(),
  }
}
