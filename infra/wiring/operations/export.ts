// `export`: writes all live events of an app (and channel) as JSON lines into a new folder.
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { MillraceError } from '#ports/errors'
import { everyEvent } from '#ports/event-store'
import { formatEvent } from '#schemas/event-format'
import type { Json, JsonObject } from '#schemas/json'
import type { Platform } from '../platform.ts'
import { optionalText, text } from './arguments.ts'
import { channelNumber } from './change.ts'
import { appOf } from './import.ts'
import type { OperationContext } from './operation.ts'

const CHUNK_CHARACTERS = 1 << 18
const PROGRESS_EVERY = 10_000

/** args: `output` (absolute path of a folder that does not exist), `appId` or `app`, `channel`. */
export async function exportEvents(
  { directory, store, watermarks, log }: Platform,
  args: JsonObject,
  context: OperationContext,
): Promise<Json> {
  const app = appOf(directory.state, args)
  const channel = channelNumber(directory.state, app, optionalText(args, 'channel'))
  const output = text(args, 'output')
  if (await stat(output).catch(() => null)) throw new MillraceError('FILE_EXISTS', { file: output })
  const offsets = await Promise.all(Array.from({ length: log.partitions }, (_, p) => log.end(p)))
  const fresh = await watermarks.waitFor('store', { generation: log.generation, offsets }, 60_000)
  if (!fresh) throw new MillraceError('READ_TIMEOUT', { ms: 60_000 })
  store.refresh()
  const total = (await store.count(app.id)).get(channel) ?? 0
  const unfinished = `${output}.unfinished-${process.pid}`
  await mkdir(unfinished, { recursive: true })
  try {
    const file = await open(join(unfinished, 'part-00000'), 'wx')
    let events = 0
    let chunk = ''
    for await (const event of store.find(everyEvent(app.id, channel))) {
      chunk += `${formatEvent(event)}\n`
      if (++events % PROGRESS_EVERY === 0) {
        context.progress({
          step: 'export',
          done: events,
          total: Math.max(total, events),
          unit: 'events',
        })
      }
      if (chunk.length < CHUNK_CHARACTERS) continue
      await file.writeFile(chunk)
      chunk = ''
    }
    await file.writeFile(chunk)
    await file.sync()
    await file.close()
    await rename(unfinished, output)
    return { events, output }
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
      throw new MillraceError('DISK_FULL', { what: output }, { cause: error })
    }
    throw error
  }
}
