import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Host } from './server.ts'

/** Where an executable of this name is on the PATH, or null. */
export async function onPath(executable: string, { environment }: Host): Promise<string | null> {
  for (const folder of (environment.PATH ?? '').split(delimiter)) {
    if (folder === '') continue
    const path = join(folder, executable)
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  return null
}
