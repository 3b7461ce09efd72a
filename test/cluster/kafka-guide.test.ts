// The examples of docs/guides/direct-producers.md, as they stand there, each with the default partitioner of its client.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventUrls, send } from '../support/http-client.ts'
import { openInboxShop } from '../support/inbox-shop.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/until.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PYTHON_CLIENT = 'confluent-kafka[avro,schemaregistry]==2.16.1'
const EVENTS_EACH = 100

async function example(language: 'ts' | 'python'): Promise<string> {
  const guide = await readFile(join(ROOT, 'docs/guides/direct-producers.md'), 'utf8')
  const block = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(guide)?.[1]
  assert.ok(block !== undefined, `the guide has no example in ${language}`)
  return block
}

async function run(command: string, args: readonly string[], folder: string): Promise<void> {
  const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const [code] = (await once(child, 'close')) as [number | null]
  assert.equal(code, 0, `${command} ${args.join(' ')}: ${output}`)
}

test('kafka: the examples of the guide write what the event server then shows, each event once', async (t) => {
  const { broker, server, accessKey, topic } = await openInboxShop(t)
  const folder = await temporaryFolder(t)
  const args = [broker, `${server.event}/registry`, accessKey, topic]
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'producer.ts'), await example('ts'))
  await writeFile(join(folder, 'producer.py'), await example('python'))
  await run('python3', ['-m', 'venv', 'venv'], folder)
  await run('venv/bin/pip', ['install', '--quiet', PYTHON_CLIENT], folder)
  // Twice: the ids are the same, so nothing is added the second time.
  for (const _ of [1, 2]) {
    await run(process.execPath, ['producer.ts', ...args], folder)
    await run('venv/bin/python', ['producer.py', ...args], folder)
  }
  const stored = async (event: string): Promise<string[]> => {
    const { events } = eventUrls(server.event, accessKey)
    const reply = await send('GET', `${events}&limit=-1&event=${event}`)
    const found = reply.status === 200 ? (reply.json as { eventId: string }[]) : []
    return found.map(({ eventId }) => eventId).sort()
  }
  const wanted = (head: string): string[] =>
    Array.from({ length: EVENTS_EACH }, (_, i) => `${head}-${i}`).sort()
  await until(async () => (await stored('view')).length >= EVENTS_EACH, 30_000)
  await until(async () => (await stored('purchase')).length >= EVENTS_EACH, 30_000)
  assert.deepEqual(await stored('purchase'), wanted('order'))
  assert.deepEqual(await stored('view'), wanted('view'))
})
