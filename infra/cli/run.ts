// Runs an operation for a command: in the process that owns the data folder when there is one, else in this one.
import { MillraceError } from '#ports/errors'
import type { Json, JsonObject } from '#schemas/json'
import type { Config } from '../wiring/config.ts'
import type { OperationContext } from '../wiring/operations/operation.ts'
import { runOperation } from '../wiring/operations/run.ts'
import { callOwner, ownerOf } from '../wiring/owner.ts'
import { openPlatform } from '../wiring/platform.ts'
import { createTelemetry } from '../wiring/telemetry.ts'
import { type CommonOptions, configOf } from './options.ts'
import { note } from './output.ts'
import { createProgressDisplay } from './progress.ts'

/** @throws MillraceError of the operation, DATA_FOLDER_…, OWNER_UNREACHABLE */
export async function run(options: CommonOptions, name: string, args: JsonObject): Promise<Json> {
  const config = configOf(options)
  const display = createProgressDisplay()
  const interrupted = new AbortController()
  const interrupt = (): void => interrupted.abort()
  process.once('SIGINT', interrupt)
  const context: OperationContext = {
    signal: interrupted.signal,
    progress: (progress) => display.update(progress),
    note: (text) => note(text),
  }
  try {
    const owner = await ownerOf(config.data)
    if (owner !== null) return await callOwner(owner, name, args, context)
    return await runHere(config, name, args, context)
  } finally {
    display.stop()
    process.removeListener('SIGINT', interrupt)
  }
}

async function runHere(
  config: Config,
  name: string,
  args: JsonObject,
  context: OperationContext,
): Promise<Json> {
  const level = process.env.MILLRACE_LOG_LEVEL === 'debug' ? 'debug' : 'warn'
  const telemetry = createTelemetry({ level, json: false, write: note })
  const platform = await openPlatform({ ...config, telemetry })
  try {
    const interrupted = new Promise<never>((_, reject) => {
      context.signal.addEventListener('abort', () => {
        reject(new MillraceError('USAGE', { reason: 'interrupted', command: name }))
      })
    })
    return await Promise.race([runOperation(platform, name, args, context), interrupted])
  } finally {
    await platform.close()
  }
}
