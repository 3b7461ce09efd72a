// A Kafka broker of a test's own, to kill.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { millraceJson } from './millrace-process.ts'

export interface OwnBroker {
  readonly url: string
  /** kill -9. */
  kill(): void
  /** Starts it again after a kill, on the same data and port. */
  restart(): Promise<void>
}

interface ClusterUp {
  readonly processes: readonly { readonly name: string; readonly pid: number; address: string }[]
}

/** Starts a broker on free ports; it is stopped after the test. */
export async function startOwnBroker(t: TestContext): Promise<OwnBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-broker-'))
  const place = ['--data', folder, '--only', 'kafka']
  const up = async (): Promise<{ pid: number; url: string }> => {
    const { processes } = await millraceJson<ClusterUp>(['cluster', 'up', '--free-ports', ...place])
    const kafka = processes.find(({ name }) => name === 'kafka')
    if (kafka === undefined) throw new Error('cluster up has started no broker')
    return { pid: kafka.pid, url: kafka.address }
  }
  let { pid, url } = await up()
  t.after(async () => {
    await millraceJson(['cluster', 'down', ...place])
    await rm(folder, { recursive: true })
  })
  return {
    url,
    kill: () => {
      process.kill(pid, 'SIGKILL')
    },
    restart: async () => {
      const again = await up()
      pid = again.pid
      url = again.url
    },
  }
}
