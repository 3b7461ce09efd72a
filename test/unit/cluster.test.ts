// The parts of `infra/cluster` that need no server.
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '#ports/clock'
import { digestOf } from '../../infra/cluster/artefact-digest.ts'
import { choosePorts } from '../../infra/cluster/choose-ports.ts'
import { ClusterError, type ClusterErrorKind } from '../../infra/cluster/cluster-error.ts'
import { clusterFolder } from '../../infra/cluster/cluster-folder.ts'
import { fetchDebianPackage } from '../../infra/cluster/debian-package.ts'
import { findJava } from '../../infra/cluster/java.ts'
import { withLock } from '../../infra/cluster/lock.ts'
import { logTail } from '../../infra/cluster/log-tail.ts'
import { fetchJars } from '../../infra/cluster/maven.ts'
import { isRunning, markOf } from '../../infra/cluster/process-table.ts'
import type { Host } from '../../infra/cluster/server.ts'
import {
  REGION_SERVERS_MAX,
  SERVER_NAMES,
  SPARK_WORKERS_MAX,
  serversOf,
} from '../../infra/cluster/servers.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const bare: Host = { environment: { PATH: '' }, clock: systemClock, say: () => {} }

function isKind(kind: ClusterErrorKind, mend?: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ClusterError)
    assert.equal(error.kind, kind)
    if (mend !== undefined) assert.match(error.details.mend ?? '', mend)
    return true
  }
}

test('cluster: a missing Java, Maven or apt-get is named, and how to get it', async (t) => {
  const folder = await temporaryFolder(t)
  await assert.rejects(findJava(999, bare), isKind('tool-missing', /apt-get install openjdk/))
  await assert.rejects(
    fetchJars(['a:b:1'], folder, bare),
    isKind('tool-missing', /apt-get install maven/),
  )
  await assert.rejects(
    fetchDebianPackage('redis-server', 'redis-server', folder, bare),
    isKind('tool-missing', /Install redis-server/),
  )
})

test('cluster: an executable on the PATH is taken instead of a package', async (t) => {
  const folder = await temporaryFolder(t)
  const bin = join(folder, 'bin')
  await mkdir(bin)
  await writeFile(join(bin, 'thing'), '', { mode: 0o755 })
  const host = { ...bare, environment: { PATH: bin } }
  const root = await fetchDebianPackage('thing-package', 'thing', folder, host)
  assert.match(await digestOf(root), /^[0-9a-f]{64}$/)
})

test('cluster: ports move on when they are taken, by a listener or by another cluster', async (t) => {
  const folder = await temporaryFolder(t)
  const [register, first, second] = ['ports', 'one', 'two'].map((name) => join(folder, name))
  assert.ok(register && first && second)
  const listener = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => listener.once('listening', resolve))
  t.after(() => listener.close())
  const { port } = listener.address() as { port: number }
  const base = port % 100
  const none = { own: {}, inUse: new Set<string>(), free: false }
  const start = 30_000 + base
  const wishes = { ...none, defaults: { a: start, b: start } }
  const chosen = await choosePorts(wishes, register, first)
  assert.equal(new Set(Object.values(chosen)).size, 2)
  await mkdir(first)
  await clusterFolder(first).writeState({
    servers: [],
    ports: chosen,
    regionServers: 0,
    sparkWorkers: 0,
    folders: {},
  })
  const other = await choosePorts({ ...none, defaults: { a: chosen.a ?? 0 } }, register, second)
  assert.notEqual(other.a, chosen.a)
  const kept = await choosePorts({ ...wishes, own: chosen }, register, first)
  assert.deepEqual(kept, chosen)
  const taken = { ...none, defaults: { a: port } }
  assert.notEqual((await choosePorts(taken, register, first)).a, port)
  const inUse = { ...taken, own: { a: port }, inUse: new Set(['a']) }
  assert.equal((await choosePorts(inUse, register, first)).a, port)
})

test('cluster: no two servers have a port in common by default', () => {
  const ports = serversOf(SERVER_NAMES, {
    regionServers: REGION_SERVERS_MAX,
    sparkWorkers: SPARK_WORKERS_MAX,
  }).flatMap((server) => Object.values(server.ports))
  assert.equal(new Set(ports).size, ports.length)
})

test('cluster: a lock is held by one, waited for, and free after a failure', async (t) => {
  const file = join(await temporaryFolder(t), 'lock')
  const order: string[] = []
  const held = Promise.withResolvers<void>()
  const first = withLock(file, 0, bare, async () => {
    order.push('first')
    await held.promise
  })
  while (order.length === 0) await systemClock.sleep(5)
  await assert.rejects(
    withLock(file, 0, bare, async () => {}),
    isKind('busy'),
  )
  const second = withLock(file, 10_000, bare, async () => {
    order.push('second')
    throw new Error('on purpose')
  })
  held.resolve()
  await first
  await assert.rejects(second, /on purpose/)
  assert.equal(await withLock(file, 0, bare, async () => 'third'), 'third')
  assert.deepEqual(order, ['first', 'second'])
})

test('cluster: a process is known by its id and its start', async () => {
  const own = await markOf(process.pid)
  assert.ok(own)
  assert.equal(await isRunning(own), true)
  assert.equal(await isRunning({ ...own, started: '1' }), false)
  assert.equal(await markOf(2 ** 22 + 1), null)
})

test('cluster: the tail of a log is short, and shows what stands before a stack', async (t) => {
  const file = join(await temporaryFolder(t), 'log')
  const stack = Array.from({ length: 50 }, (_, n) => `\tat some.Class.method(${n})`)
  const lines = Array.from({ length: 20 }, (_, n) => `line ${n}`)
  await writeFile(file, [...lines, 'the cause', ...stack, ''].join('\n'))
  const tail = (await logTail([file, `${file}.none`])).split('\n')
  assert.equal(tail.length, 12)
  assert.equal(tail.at(-1), 'the cause')
})
