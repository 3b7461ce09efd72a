import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Standard output of another bench, run as a process of its own so that its memory is its own. */
export async function script(name: string, args: readonly string[] = []): Promise<string> {
  const path = fileURLToPath(new URL(name, import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [path, ...args])
  return stdout
}
