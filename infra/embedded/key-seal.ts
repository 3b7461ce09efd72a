// Access keys at rest: looked up by SHA-256, and kept sealed (AES-256-GCM under the installation's secret) because
// PredictionIO's lists print them. The hash is bound into the seal, so that a seal cannot be moved to another key.
//
//   sealed = base64(nonce (12) · tag (16) · ciphertext)
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { link, open, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { MillraceError } from '#ports/errors'
import { syncFolder } from './data-folder.ts'

const SECRET_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const CIPHER = 'aes-256-gcm'

export interface KeySeal {
  seal(text: string, hash: string): string
  /** null when it was sealed with another secret, for another key, or is damaged. */
  open(sealed: string, hash: string): string | null
}

export function hashKey(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

export function createKeySeal(secret: Buffer): KeySeal {
  return {
    seal: (text, hash) => {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv(CIPHER, secret, nonce).setAAD(Buffer.from(hash))
      const content = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), content]).toString('base64')
    },
    open: (sealed, hash) => {
      const bytes = Buffer.from(sealed, 'base64')
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return null
      const nonce = bytes.subarray(0, NONCE_BYTES)
      const decipher = createDecipheriv(CIPHER, secret, nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(Buffer.from(hash))
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
      try {
        const content = bytes.subarray(NONCE_BYTES + TAG_BYTES)
        return decipher.update(content, undefined, 'utf8') + decipher.final('utf8')
      } catch {
        return null
      }
    },
  }
}

/**
 * The secret of the installation, made on first use (mode 0600).
 * @throws MillraceError FILE_UNREADABLE
 */
export async function openSecret(file: string): Promise<Buffer> {
  try {
    const secret = Buffer.from((await readSecret(file)).trim(), 'hex')
    if (secret.length === SECRET_BYTES) return secret
    throw new Error(`it does not hold ${SECRET_BYTES} bytes in hex`)
  } catch (error) {
    const { message: reason } = error as Error
    throw new MillraceError('FILE_UNREADABLE', { file, reason }, { cause: error })
  }
}

async function readSecret(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  // Linked into place when it is whole and on disk: keys that were sealed with a lost secret cannot be shown again.
  const temporary = `${file}.tmp`
  const handle = await open(temporary, 'w', 0o600)
  try {
    await handle.writeFile(`${randomBytes(SECRET_BYTES).toString('hex')}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await link(temporary, file)
  await rm(temporary)
  await syncFolder(dirname(file))
  return await readFile(file, 'utf8')
}
