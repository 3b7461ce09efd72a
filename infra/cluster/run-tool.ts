// Runs a program to its end: Maven, apt, dpkg, a server's own formatter.
import { spawn } from 'node:child_process'
import { stripVTControlCharacters } from 'node:util'

export interface ToolRun {
  readonly command: readonly string[]
  readonly folder: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly limitMs: number
  readonly uid?: number
}

export interface ToolResult {
  /** 0: went well. Null: ended by a signal, as at the time limit. */
  readonly code: number | null
  /** Standard output and error in the order they came, at most the last OUTPUT_MAX characters. */
  readonly output: string
}

const OUTPUT_MAX = 64 * 1024

/** Never throws: a program that is not there has the code 127, as in a shell. */
export function runTool({
  command,
  folder,
  environment,
  limitMs,
  uid,
}: ToolRun): Promise<ToolResult> {
  const [program = '', ...args] = command
  return new Promise((resolve) => {
    let output = ''
    const take = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-OUTPUT_MAX)
    }
    const child = spawn(program, args, {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limitMs,
      ...(uid === undefined ? {} : { uid, gid: uid }),
    })
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('error', (error) => resolve({ code: 127, output: error.message }))
    child.on('close', (code) => resolve({ code, output }))
  })
}

/** The lines that say what went wrong, else the last ones. */
export function gistOf(output: string): string {
  const lines = stripVTControlCharacters(output)
    .split('\n')
    .filter((line) => line.trim() !== '')
  const telling = lines.filter((line) => /\berror\b|^E: /i.test(line))
  return (telling.length > 0 ? telling.slice(0, 3) : lines.slice(-3)).join(' ').slice(0, 600)
}
