import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A new folder that is removed when the test ends. */
export async function temporaryFolder(test: {
  after(remove: () => Promise<void>): void
}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-'))
  test.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}
