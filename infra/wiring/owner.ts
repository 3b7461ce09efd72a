// How a command reaches the process that owns a data folder: its addresses are in `addresses.json`, its token too.

import { readFileSync } from 'node:fs'
import { systemClock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { JobProgress } from '#ports/job-queue'
import type { Json, JsonObject } from '#schemas/json'
import { readAddresses, type WrittenAddresses } from '../embedded/data-folder.ts'
import type { OperationContext } from './operations/operation.ts'

/** True for a folder that holds nothing or does not exist. */
export { isEmptyFolder } from '../embedded/data-folder.ts'

/** The running owner of a data folder, or null when nobody runs on it. */
export async function ownerOf(folder: string): Promise<WrittenAddresses | null> {
  const addresses = await readAddresses(folder)
  return addresses !== null && isAlive(addresses.pid) ? addresses : null
}

/** False also for a process that has ended and waits only to be noticed by its parent. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !isZombie(pid)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')
  } catch {
    return false // no /proc here
  }
}

const CONNECT_ATTEMPTS = 3

/** Runs an operation in the owner. @throws MillraceError OWNER_UNREACHABLE, and what the operation throws there */
export async function callOwner(
  owner: WrittenAddresses,
  name: string,
  args: JsonObject,
  context: OperationContext,
): Promise<Json> {
  const response = await connect(owner, name, args, context.signal)
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response) {
    text += decoder.decode(chunk, { stream: true })
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) {
      const told = JSON.parse(line) as Told
      if (told.progress) context.progress(told.progress)
      if (told.note !== undefined) context.note(told.note)
      if (told.error) throw new RemoteError(told.error)
      if (told.result !== undefined) return told.result
    }
  }
  throw new MillraceError('OWNER_UNREACHABLE', { pid: owner.pid, address: owner.console })
}

interface Told {
  readonly progress?: JobProgress
  readonly note?: string
  readonly result?: Json
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string }
}

/** An error of the owner's, with its own words. */
class RemoteError extends MillraceError {
  constructor(error: { readonly code: string; readonly message: string; readonly hint: string }) {
    super(error.code as MillraceError['code'])
    Object.defineProperty(this, 'message', { value: error.message })
    Object.defineProperty(this, 'hint', { value: error.hint })
  }
}

async function connect(
  owner: WrittenAddresses,
  name: string,
  args: JsonObject,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await fetch(`${owner.console}/admin/operations/${name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${owner.token}` },
        body: JSON.stringify(args),
        signal,
      })
      if (response.status === 200 && response.body !== null) return response.body
      throw new Error(`status ${response.status}`)
    } catch (error) {
      if (attempt < CONNECT_ATTEMPTS && !signal.aborted) {
        await systemClock.sleep(300 * attempt)
        continue
      }
      throw new MillraceError(
        'OWNER_UNREACHABLE',
        { pid: owner.pid, address: owner.console },
        { cause: error },
      )
    }
  }
}
