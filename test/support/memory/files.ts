// Files in a map.
import { MillraceError } from '#ports/errors'
import type { Files } from '#ports/files'
import { assertFilePath } from '#ports/files'

export function createMemoryFiles(): Files {
  const files = new Map<string, Uint8Array>()
  return {
    async create(path) {
      assertFilePath(path)
      const chunks: Uint8Array[] = []
      let bytes = 0
      let over = false
      const open = (): void => {
        if (over) throw new Error(`the writer of ${path} is closed`)
      }
      return {
        get bytes() {
          return bytes
        },
        async write(chunk) {
          open()
          chunks.push(Uint8Array.from(chunk))
          bytes += chunk.length
        },
        async commit() {
          open()
          over = true
          if (files.has(path)) return false
          files.set(path, Buffer.concat(chunks))
          return true
        },
        async abort() {
          over = true
        },
      }
    },
    async read(path, start = 0, end) {
      assertFilePath(path)
      const content = files.get(path)
      if (!content) throw new MillraceError('FILE_NOT_FOUND', { file: path })
      return Uint8Array.from(content.subarray(start, end))
    },
    async stat(path) {
      assertFilePath(path)
      const content = files.get(path)
      return content ? { path, bytes: content.length } : null
    },
    async list(folder) {
      if (folder !== '') assertFilePath(folder)
      const prefix = folder === '' ? '' : `${folder}/`
      return [...files]
        .filter(([path]) => path.startsWith(prefix))
        .map(([path, content]) => ({ path, bytes: content.length }))
        .sort((a, b) => (a.path < b.path ? -1 : 1))
    },
    async remove(path) {
      assertFilePath(path)
      for (const known of [...files.keys()]) {
        if (known === path || known.startsWith(`${path}/`)) files.delete(known)
      }
    },
    uriOf: (path) => {
      assertFilePath(path)
      return `memory:///${path}`
    },
    health: async () => ({ name: 'files', status: 'ok', detail: 'In memory.' }),
    close: async () => {},
  }
}
