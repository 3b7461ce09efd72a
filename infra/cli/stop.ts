// `stop`: asks the owner of the data folder to drain and end, and waits for it.

import type { Command } from 'commander'
import { systemClock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import { isAlive, ownerOf } from '../wiring/owner.ts'
import { type CommonOptions, configOf, withCommonOptions } from './options.ts'
import { info, printJson } from './output.ts'

const WAIT_MS = 60_000

export function addStopCommand(root: Command): void {
  withCommonOptions(root.command('stop')).description('stop the running platform').action(stop)
}

async function stop(options: CommonOptions): Promise<void> {
  const { data } = configOf(options)
  const owner = await ownerOf(data)
  if (owner === null) throw new MillraceError('NOT_RUNNING', { folder: data })
  process.kill(owner.pid, 'SIGTERM')
  const deadline = systemClock.monotonic() + WAIT_MS
  while (isAlive(owner.pid)) {
    if (systemClock.monotonic() > deadline) {
      throw new MillraceError('OWNER_UNREACHABLE', { pid: owner.pid, address: owner.console })
    }
    await systemClock.sleep(50)
  }
  if (options.json) return printJson({ stopped: owner.pid })
  info('Management$', `Millrace (process ${owner.pid}) has stopped.`)
}
