// Runs every block of docs/getting-started.md, in order, as one script of a newcomer.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../support/temporary-folder.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

test('the guide for newcomers works as it stands', async (t) => {
  const guide = await readFile(`${ROOT}/docs/getting-started.md`, 'utf8')
  const blocks = [...guide.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '')
  assert.ok(blocks.length >= 8)
  let script = `set -euo pipefail\n${blocks.join('\n')}`.replaceAll(
    './millrace',
    `${ROOT}/millrace`,
  )
  const environment: Record<string, string | undefined> = {
    ...process.env,
    NODE_TEST_CONTEXT: undefined,
  }
  // The machine that runs the test may use the guide's ports for something else.
  for (const [port, name] of [
    ['7070', 'EVENT'],
    ['8000', 'QUERY'],
    ['9000', 'CONSOLE'],
  ] as const) {
    const free = await freePort()
    script = script.replaceAll(`127.0.0.1:${port}`, `127.0.0.1:${free}`)
    environment[`MILLRACE_${name}_PORT`] = free
  }
  const child = spawn('bash', ['-c', script], { cwd: await temporaryFolder(t), env: environment })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const [code] = (await once(child, 'close')) as [number]
  assert.equal(code, 0, output)
  assert.match(output, /Training completed successfully\./)
  assert.match(output, /"itemScores":\[\{"item":"(stove|tent)"/)
  assert.match(output, /"item":"(stove|mat)".*"source":"item"/)
  assert.match(output, /Your system is all ready to go\./)
})

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return String(port)
}
