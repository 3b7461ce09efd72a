// Redis, for the job queue: appends are synced every second, and memory that is full refuses instead of dropping jobs.
import { join } from 'node:path'
import { exchange } from './probe.ts'
import { type Place, portOf, type Server, type ServerProcess } from './server.ts'

export const redis: Server = {
  name: 'redis',
  title: 'Redis (the distribution’s)',
  artefacts: [
    { kind: 'debian', name: 'redis', package: 'redis-server', executable: 'redis-server' },
  ],
  java: null,
  neverRoot: false,
  ports: { 'redis.client': 19379 },
  processes,
  settings: (ports) => ({ queue: `redis://127.0.0.1:${portOf(ports, 'redis.client')}` }),
}

function processes({ folder, artefacts, ports }: Place): ServerProcess[] {
  const port = portOf(ports, 'redis.client')
  const configuration = join(folder, 'redis.conf')
  const settings = [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir ${JSON.stringify(folder)}`,
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    'maxmemory 512mb',
    'maxmemory-policy noeviction',
  ]
  const found = artefacts.get('redis') ?? ''
  return [
    {
      name: 'redis',
      after: [],
      files: { [configuration]: `${settings.join('\n')}\n` },
      folders: [folder],
      command: [join(found, 'usr/bin/redis-server'), configuration],
      environment: { LD_LIBRARY_PATH: libraryPath(found) },
      logs: [],
      address: `redis://127.0.0.1:${port}`,
      healthy: () =>
        exchange(port, Buffer.from('PING\r\n'), (reply) => reply.toString().startsWith('+PONG')),
      startMs: 30_000,
      stopMs: 20_000,
    },
  ]
}

/** Where Debian's packages put libraries, on the architectures that Node.js runs on. */
function libraryPath(root: string): string {
  return ['x86_64-linux-gnu', 'aarch64-linux-gnu', 'arm-linux-gnueabihf', '']
    .map((triplet) => join(root, 'usr/lib', triplet))
    .join(':')
}
