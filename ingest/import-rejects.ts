// The reject file of an import: one JSON object a refused line, `{line, code, message, text}`. Made with the first refused
// line; cut back to the checkpoint when an import is resumed, so that no line stands in it twice.
import { type FileHandle, open, rm } from 'node:fs/promises'

export interface Rejects {
  add(line: number, code: string, message: string, text: string): void
  /** Makes what was added durable; returns the size of the file. */
  flush(): Promise<number>
  close(empty: boolean): Promise<void>
}

export async function openRejects(path: string, keep: number): Promise<Rejects> {
  let file: FileHandle | null = null
  let bytes = keep
  let waiting: string[] = []
  if (keep > 0) {
    file = await open(path, 'r+')
    await file.truncate(keep)
  } else await rm(path, { force: true })
  const flush = async (): Promise<number> => {
    if (waiting.length === 0) return bytes
    const text = Buffer.from(waiting.join(''))
    waiting = []
    file ??= await open(path, 'w')
    await file.write(text, 0, text.length, bytes)
    await file.datasync()
    bytes += text.length
    return bytes
  }
  return {
    add: (line, code, message, text) => {
      waiting.push(`${JSON.stringify({ line, code, message, text })}\n`)
    },
    flush,
    close: async (empty) => {
      await flush()
      await file?.close()
      if (empty) await rm(path, { force: true })
    },
  }
}
