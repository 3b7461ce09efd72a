// The real command line in real processes, for end-to-end tests and benches.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../infra/cli/main.ts', import.meta.url))
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning', MAIN] as const

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function launch(args: readonly string[], prefix: readonly string[] = []): ChildProcess {
  const [command, ...rest] = [...prefix, ...NODE, ...args] as [string, ...string[]]
  const environment = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('NODE_TEST') && !name.startsWith('MILLRACE_'),
  )
  return spawn(command, rest, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: Object.fromEntries(environment),
  })
}

/** Runs a command to its end; `prefix` goes before it (`prlimit …`). */
export async function millrace(
  args: readonly string[],
  options: {
    readonly prefix?: readonly string[]
    readonly started?: (child: ChildProcess) => void
  } = {},
): Promise<Ended> {
  const child = launch(args, options.prefix)
  options.started?.(child)
  child.stdin?.end()
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

/** The result of a command with `--json`: the last line of standard output. Fails when the command does. */
export async function millraceJson<T>(args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await millrace([...args, '--json'])
  if (code !== 0) throw new Error(`millrace ${args.join(' ')} ended with ${code}: ${stderr}`)
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as T
}

/** The option that names a data folder, or a configuration file. */
export function placeOf(place: string): readonly [option: string, path: string] {
  return [place.endsWith('.toml') ? '--config' : '--data', place]
}

export interface RunningMillrace {
  readonly pid: number
  readonly event: string
  readonly query: string
  readonly console: string
  /** Milliseconds from the start of the process to the line with its addresses. */
  readonly readyMs: number
  readonly stderr: () => string
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
}

/**
 * `millrace start` on free ports, on a data folder or as a configuration file (`*.toml`) says; killed when the test ends,
 * if it still runs.
 */
export async function startMillrace(
  place: string,
  test: { after(end: () => Promise<void>): void },
  options: { readonly prefix?: readonly string[]; readonly args?: readonly string[] } = {},
): Promise<RunningMillrace> {
  const ports = ['--event-port', '0', '--query-port', '0', '--console-port', '0']
  const started = performance.now()
  const args = ['start', '--json', ...placeOf(place), ...ports, ...(options.args ?? [])]
  const child = launch(args, options.prefix)
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const closed = once(child, 'close') as Promise<[number | null]>
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    const [code] = await closed
    return code
  }
  test.after(async () => {
    await end('SIGKILL')
  })
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', resolve)
    closed.then(
      ([code]) => reject(new Error(`millrace start ended with ${code}: ${stderr}`)),
      reject,
    )
  })
  const addresses = JSON.parse(line) as { event: string; query: string; console: string }
  return {
    ...addresses,
    pid: child.pid ?? 0,
    readyMs: performance.now() - started,
    stderr: () => stderr,
    kill: async () => {
      await end('SIGKILL')
    },
    stop: () => end('SIGTERM'),
  }
}
