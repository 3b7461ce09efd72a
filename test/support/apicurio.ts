// Apicurio's schema registry, from Maven Central: the other side of the Confluent protocol in tests. In memory.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { freePort } from './free-port.ts'
import { until } from './until.ts'

const VERSION = '2.6.13.Final'
const ARTEFACT = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`
const START_MS = 120_000

async function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}`)
}

/** Fetches and starts it; the base of the protocol's paths. It is stopped after the test. */
export async function startApicurio(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-apicurio-'))
  const copy = `org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy`
  await run('mvn', [
    '-B',
    '-ntp',
    '-q',
    copy,
    `-Dartifact=${ARTEFACT}`,
    `-DoutputDirectory=${folder}`,
  ])
  const archive = join(folder, `apicurio-registry-app-${VERSION}-all.tar.gz`)
  await run('tar', ['xzf', archive, '-C', folder])
  const port = await freePort()
  const child = spawn('java', ['-Xmx256m', '-jar', `apicurio-registry-app-${VERSION}-runner.jar`], {
    cwd: folder,
    stdio: 'ignore',
    env: { ...process.env, QUARKUS_HTTP_HOST: '127.0.0.1', QUARKUS_HTTP_PORT: String(port) },
  })
  t.after(async () => {
    const ended = once(child, 'close')
    if (child.exitCode === null) child.kill()
    await ended
    await rm(folder, { recursive: true, force: true })
  })
  const base = `http://127.0.0.1:${port}/apis/ccompat/v7`
  await until(
    () =>
      fetch(`${base}/subjects`).then(
        ({ ok }) => ok,
        () => false,
      ),
    START_MS,
  )
  return base
}
