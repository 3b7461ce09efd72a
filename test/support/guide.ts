// Runs the blocks of a page of documentation, in order, as one script of somebody who follows it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { ROOT } from './source-tree.ts'

export interface GuideRun {
  /** Path of the page below the repository's root. */
  readonly page: string
  /** Where the script runs. */
  readonly folder: string
  /** Texts of the page that stand for what the reader has, with what the test has. */
  readonly replaced?: Readonly<Record<string, string>>
}

/** Runs the page's blocks of shell; what they printed. Fails when one of them fails. */
export async function runGuide({ page, folder, replaced = {} }: GuideRun): Promise<string> {
  const text = await readFile(join(ROOT, page), 'utf8')
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '')
  assert.ok(blocks.length > 0, `${page} has no block of shell`)
  let script = `set -euo pipefail\n${blocks.join('\n')}`
  const environment: Record<string, string | undefined> = {
    ...process.env,
    NODE_TEST_CONTEXT: undefined,
  }
  // The machine that runs the test may use the guide's ports for something else.
  const texts: Record<string, string> = { './millrace': join(ROOT, 'millrace'), ...replaced }
  for (const [port, name] of [
    ['7070', 'EVENT'],
    ['8000', 'QUERY'],
    ['9000', 'CONSOLE'],
  ] as const) {
    const free = await freePort()
    texts[`127.0.0.1:${port}`] = `127.0.0.1:${free}`
    environment[`MILLRACE_${name}_PORT`] = free
  }
  for (const [from, to] of Object.entries(texts)) script = script.replaceAll(from, to)
  const child = spawn('bash', ['-c', script], { cwd: folder, env: environment })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => {
      output += part
    })
  }
  const [code] = (await once(child, 'close')) as [number]
  assert.equal(code, 0, output)
  return output
}

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return String(port)
}
