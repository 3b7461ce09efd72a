import { readFile } from 'node:fs/promises'
import { MillraceError } from '#ports/errors'
import type { Json } from '#schemas/json'

/** The JSON of an engine.json. @throws MillraceError FILE_NOT_FOUND, ENGINE_JSON_INVALID */
export async function readEngineFile(file: string): Promise<Json> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch {
    throw new MillraceError('FILE_NOT_FOUND', { file })
  }
  try {
    return JSON.parse(text) as Json
  } catch (error) {
    const reason = `it is not JSON: ${(error as Error).message}`
    throw new MillraceError('ENGINE_JSON_INVALID', {
      file,
      path: '$',
      reason,
      mend: 'Write valid JSON.',
    })
  }
}
