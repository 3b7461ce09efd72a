// A file of shop events by the seeded generator.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Writes the events of `shop.ts` with these flags. */
export async function writeShop(path: string, flags: readonly string[]): Promise<void> {
  const generator = fileURLToPath(new URL('../support/shop.ts', import.meta.url))
  const child = spawn(process.execPath, [generator, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  child.stdout.pipe(createWriteStream(path))
  const [code] = (await once(child, 'close')) as [number]
  if (code !== 0) throw new Error(`shop.ts ended with ${code}`)
}
