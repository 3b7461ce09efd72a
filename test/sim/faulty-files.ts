// Files whose calls pass gates and fail now and then; a file that was committed may be told to have failed.
import { MillraceError } from '#ports/errors'
import type { Files } from '#ports/files'
import type { Faults } from './faults.ts'
import type { Life, Scheduler } from './scheduler.ts'

export interface FaultyFilesOptions {
  readonly files: Files
  readonly life: Life
  readonly scheduler: Scheduler
  readonly faults: Faults
}

/** The archive names its writers by chance, which no run repeats: without them. */
const named = (path: string): string => path.replace(/-[0-9a-f]{32}-/, '-*-')

export function createFaultyFiles({ files, life, scheduler, faults }: FaultyFilesOptions): Files {
  const gate = (label: string): Promise<void> => scheduler.gate(life, `files.${label}`)
  const fail = (): void => {
    if (!faults.happens('failedFile')) return
    throw new MillraceError('DISK_FULL', { what: 'the folder of files' })
  }
  const guarded = async <T>(label: string, work: () => Promise<T>): Promise<T> => {
    await gate(label)
    fail()
    return work()
  }
  return {
    async create(path) {
      fail()
      const writer = await files.create(path)
      return {
        get bytes() {
          return writer.bytes
        },
        write: (chunk) => writer.write(chunk),
        abort: () => writer.abort(),
        commit: async () => {
          await gate(`commit ${named(path)}`)
          fail()
          const isOurs = await writer.commit()
          await gate(`committed ${named(path)}`)
          return isOurs
        },
      }
    },
    read: (path, start, end) => guarded(`read ${named(path)}`, () => files.read(path, start, end)),
    stat: (path) => files.stat(path),
    list: (folder) => guarded(`list ${folder}`, () => files.list(folder)),
    remove: (path) => guarded(`remove ${named(path)}`, () => files.remove(path)),
    uriOf: (path) => files.uriOf(path),
    health: () => files.health(),
    close: async () => {},
  }
}
