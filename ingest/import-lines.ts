// A file as groups of lines, cut on bytes so that no character is torn; gzip is recognised by its first two bytes.
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import { MillraceError } from '#ports/errors'

/** A longer line is no event of ours (bodies of events end at 8 MiB): it is skipped and told as null. */
export const LINE_BYTES_MAX = 8 << 20

export interface LineGroup {
  /** Texts without the line end; null for a line that is too long. */
  readonly texts: readonly (string | null)[]
  /** Bytes of uncompressed text up to the end of this group. */
  readonly end: number
  /** Bytes of the file read so far, for progress. */
  readonly fileBytes: number
}

export async function fileSize(path: string): Promise<number> {
  const file = await opened(path)
  try {
    return (await file.stat()).size
  } finally {
    await file.close()
  }
}

async function opened(path: string) {
  try {
    return await open(path, 'r')
  } catch (error) {
    throw unreadable(path, error)
  }
}

/**
 * Lines from byte `from` of the uncompressed text on, at most `most` a group.
 * @throws MillraceError FILE_NOT_FOUND, FILE_UNREADABLE (also for a damaged gzip stream)
 */
export async function* fileLines(
  path: string,
  from: number,
  most: number,
): AsyncGenerator<LineGroup> {
  const compressed = await isGzip(path)
  const file = createReadStream(path, { highWaterMark: 1 << 18, start: compressed ? 0 : from })
  const source = compressed ? file.pipe(createGunzip({ chunkSize: 1 << 18 })) : file
  if (compressed) file.once('error', (error) => source.destroy(error))
  const splitter = createSplitter(from, most)
  const group = (texts: readonly (string | null)[]): LineGroup => ({
    texts,
    end: splitter.end(),
    fileBytes: file.bytesRead + (compressed ? 0 : from),
  })
  let skip = compressed ? from : 0
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      const fresh = chunk.subarray(Math.min(skip, chunk.length))
      skip -= chunk.length - fresh.length
      splitter.push(fresh)
      for (let texts = splitter.take(); texts !== null; texts = splitter.take()) yield group(texts)
    }
  } catch (error) {
    throw unreadable(path, error)
  } finally {
    file.destroy()
  }
  const rest = splitter.rest()
  if (rest.length > 0) yield group(rest)
}

async function isGzip(path: string): Promise<boolean> {
  const file = await opened(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0)
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b
  } finally {
    await file.close()
  }
}

function createSplitter(from: number, most: number) {
  let buffer: Buffer = Buffer.alloc(0)
  let at = 0
  let consumed = from
  let overlong = false
  let texts: (string | null)[] = []
  const line = (end: number): void => {
    const stop = end > at && buffer[end - 1] === 13 ? end - 1 : end
    texts.push(overlong || stop - at > LINE_BYTES_MAX ? null : buffer.toString('utf8', at, stop))
    overlong = false
  }
  return {
    end: () => consumed,
    push: (chunk: Buffer): void => {
      buffer = at < buffer.length ? Buffer.concat([buffer.subarray(at), chunk]) : chunk
      at = 0
      if (buffer.length > LINE_BYTES_MAX * 2 && buffer.indexOf(10) === -1) {
        consumed += buffer.length
        buffer = Buffer.alloc(0)
        overlong = true
      }
    },
    /** A full group, or null until more is pushed. */
    take: (): (string | null)[] | null => {
      for (let end = buffer.indexOf(10, at); end !== -1; end = buffer.indexOf(10, at)) {
        line(end)
        consumed += end + 1 - at
        at = end + 1
        if (texts.length < most) continue
        const full = texts
        texts = []
        return full
      }
      return null
    },
    rest: (): (string | null)[] => {
      if (at < buffer.length || overlong) {
        line(buffer.length)
        consumed += buffer.length - at
        at = buffer.length
      }
      return texts
    },
  }
}

function unreadable(file: string, error: unknown): MillraceError {
  if (error instanceof MillraceError) return error
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return new MillraceError('FILE_NOT_FOUND', { file }, { cause: error })
  return new MillraceError('FILE_UNREADABLE', { file, reason: message }, { cause: error })
}
