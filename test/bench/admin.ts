// The admin API of a running platform, as commands use it.
import { callOwner, ownerOf } from '../../infra/wiring/owner.ts'

export async function operate(data: string, name: string): Promise<unknown> {
  const owner = await ownerOf(data)
  if (owner === null) throw new Error(`nobody runs on ${data}`)
  const { signal } = new AbortController()
  return callOwner(owner, name, {}, { signal, progress: () => {}, note: () => {} })
}
