// `millrace cluster` itself, on a cluster of its own with the lightest server.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { millrace, millraceJson } from '../support/millrace-process.ts'
import { type ClusterShown, ownCluster } from '../support/own-cluster.ts'
import { until } from '../support/until.ts'

test('cluster: up, a killed server is told with the end of its log, up again, down', async (t) => {
  const { folder, on, up: start } = await ownCluster(t)
  const before = await millrace(on('status'))
  assert.equal(before.code, 1)
  assert.match(before.stderr, /CLUSTER_UNKNOWN/)

  const up = await start('redis')
  const [redis] = up.processes
  assert.ok(redis?.pid)
  assert.equal(redis.state, 'healthy')
  assert.ok(redis.residentBytes > 1_000_000)
  const toml = await readFile(join(folder, 'millrace.toml'), 'utf8')
  assert.ok(toml.includes(`queue = "${redis.address}"\n`))
  assert.ok(!/^(?:log|index|store) =/m.test(toml), 'only what was started is in it')

  const again = await start('redis')
  assert.equal(again.processes[0]?.pid, redis.pid, 'what runs stays as it is')

  process.kill(redis.pid, 'SIGKILL')
  await until(async () => (await millrace(on('status'))).code === 1)
  const crashed = await millrace([...on('status'), '--json'])
  const [gone] = (JSON.parse(crashed.stdout) as ClusterShown).processes
  assert.deepEqual([gone?.state, gone?.pid], ['crashed', null])
  assert.match(gone?.tail ?? '', /Ready to accept connections/)

  const repaired = await start('redis')
  assert.equal(repaired.processes[0]?.address, redis.address, 'its port stays the same')
  assert.notEqual(repaired.processes[0]?.pid, redis.pid)

  const down = await millraceJson<{ processes: unknown }>(on('down'))
  assert.deepEqual(down.processes, [{ name: 'redis', end: 'stopped' }])
  const after = await millrace([...on('status'), '--json'])
  assert.equal((JSON.parse(after.stdout) as ClusterShown).processes[0]?.state, 'stopped')
})

test('cluster: the process of another that got the same id is not stopped', async (t) => {
  const { folder, on, up: start } = await ownCluster(t)
  const up = await start('redis')
  const pid = up.processes[0]?.pid ?? 0
  const file = join(folder, 'run/redis')
  const mark = JSON.parse(await readFile(file, 'utf8')) as { pid: number; started: string }
  assert.equal(mark.pid, pid)
  await writeFile(file, JSON.stringify({ ...mark, started: '1' }))
  const down = await millraceJson<{ processes: unknown }>(on('down'))
  assert.deepEqual(down.processes, [{ name: 'redis', end: 'was not running' }])
  assert.ok(process.kill(pid, 0))
  process.kill(pid, 'SIGTERM')
})
