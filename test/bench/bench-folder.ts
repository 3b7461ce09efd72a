import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Gives a new folder to `use`, with a way to end what it started; removes it afterwards. */
export async function withBenchFolder(
  use: (folder: string, ends: { after(end: () => Promise<void>): void }) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  const ends: (() => Promise<void>)[] = []
  try {
    await use(folder, { after: (end) => ends.push(end) })
  } finally {
    for (const end of ends.reverse()) await end()
    await rm(folder, { recursive: true, force: true })
  }
}
