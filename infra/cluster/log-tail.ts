import { open, stat } from 'node:fs/promises'

const LINES = 12
const BYTES = 16 * 1024
const LINE_MAX = 400

/** The last lines of each of these files that holds any. */
export async function logTail(files: readonly string[]): Promise<string> {
  const tails = await Promise.all(files.map(tailOf))
  return tails.filter((tail) => tail !== '').join('\n')
}

async function tailOf(file: string): Promise<string> {
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  )
  if (size === 0) return ''
  const handle = await open(file)
  try {
    const position = Math.max(0, size - BYTES)
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(BYTES), position })
    const lines = buffer.subarray(0, bytesRead).toString().trimEnd().split('\n')
    // A stack says little beside its first line, and hides what was said before it.
    return lines
      .filter((line) => !/^\s+at |^\s*$/.test(line))
      .slice(-LINES)
      .map((line) => line.slice(0, LINE_MAX))
      .join('\n')
  } finally {
    await handle.close()
  }
}
