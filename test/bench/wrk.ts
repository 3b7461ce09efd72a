// Load by wrk, from the same machine. What it sends is a Lua script that we write for each run.
import { execFile, execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface LoadResult {
  readonly requests: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Replies that were no 2xx, and broken connections. */
  readonly errors: number
}

export interface LoadOptions {
  readonly folder: string
  readonly url: string
  readonly connections: number
  readonly seconds: number
  /** Body of the Lua function `body(n)`: returns the n-th request's body. */
  readonly body: string
  readonly path: string
}

/** wrk comes from Debian; as root it is installed when it is missing. */
export function ensureWrk(): void {
  try {
    execFileSync('wrk', ['--version'], { stdio: 'ignore' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return
    execFileSync('apt-get', ['update', '-qq'], { stdio: 'ignore' })
    execFileSync('apt-get', ['install', '-y', '-qq', 'wrk'], { stdio: 'ignore' })
  }
}

export async function load(options: LoadOptions): Promise<LoadResult> {
  ensureWrk()
  const script = join(options.folder, 'load.lua')
  await writeFile(script, lua(options))
  const { connections, seconds, url } = options
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url]
  const { stdout } = await promisify(execFile)('wrk', args)
  const line = stdout.split('\n').find((text) => text.startsWith('RESULT '))
  if (line === undefined) throw new Error(`wrk said: ${stdout}`)
  const [requests, micros, p50, p99, errors] = line.slice(7).split(' ').map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ]
  return {
    requests,
    perSecond: (requests * 1e6) / micros,
    p50Ms: p50 / 1000,
    p99Ms: p99 / 1000,
    errors,
  }
}

function lua({ body, path }: LoadOptions): string {
  return `
math.randomseed(7)
local n = 0
local headers = { ["Content-Type"] = "application/json" }
local function body(n) ${body} end
request = function() n = n + 1; return wrk.format("POST", ${JSON.stringify(path)}, headers, body(n)) end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), e.status + e.connect + e.read + e.write + e.timeout))
end
`
}
