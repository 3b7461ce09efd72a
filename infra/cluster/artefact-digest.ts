import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** SHA-256 over the paths and contents of all files below a folder, in the order of their paths; hexadecimal. */
export async function digestOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
  const whole = createHash('sha256')
  for (const path of paths) {
    const one = createHash('sha256')
    await pipeline(createReadStream(join(folder, path)), one)
    whole.update(`${one.digest('hex')}  ${path}\n`)
  }
  return whole.digest('hex')
}
