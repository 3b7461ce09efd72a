// A broker that checks users and rights: the platform runs on it, and an app's user writes to its own inbox only.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Producer } from 'kafkajs'
import { loadKafkajs } from '../../infra/kafka/kafkajs.ts'
import { action, eventUrls, send } from '../support/http-client.ts'
import { millrace, millraceJson, placeOf, startMillrace } from '../support/millrace-process.ts'
import { startSecuredBroker } from '../support/secured-broker.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/until.ts'

interface NewApp {
  readonly accessKey: string
  readonly kafka: { readonly user: string; readonly password: string; readonly topic: string }
}

test('kafka: app new --kafka-user makes a user that writes to its own inbox and nowhere else', async (t) => {
  const { broker, url } = await startSecuredBroker(t)
  const folder = await temporaryFolder(t)
  const config = join(folder, 'millrace.toml')
  await writeFile(config, `data = "${join(folder, 'data')}"\nlog = "${url}"\n`)
  const place = placeOf(config)
  const shop = await millraceJson<NewApp>(['app', 'new', 'shop', ...place, '--kafka-user', 'shop'])
  await millraceJson(['app', 'new', 'other', ...place])
  const server = await startMillrace(config, t)
  const { Kafka, logLevel, Partitioners } = await loadKafkajs()
  const producerOf = async (username: string, password: string): Promise<Producer> => {
    const sasl = { mechanism: 'scram-sha-512', username, password } as const
    const kafka = new Kafka({
      ...{ brokers: [broker], sasl, logLevel: logLevel.NOTHING },
      retry: { retries: 2 },
    })
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    t.after(() => producer.disconnect())
    return producer
  }
  const { user, password, topic } = shop.kafka
  assert.equal(topic, 'millrace.inbox.app-1')
  const producer = await producerOf(user, password)
  const messages = [{ value: JSON.stringify(action('buy', 'u1', 'i1')) }]
  await until(
    () =>
      producer.send({ topic, messages }).then(
        () => true,
        () => false,
      ),
    20_000,
  )
  const { events } = eventUrls(server.event, shop.accessKey)
  await until(async () => (await send('GET', events)).status === 200, 20_000)
  for (const foreign of ['millrace.inbox.app-2', 'millrace.events', 'millrace.control']) {
    await assert.rejects(producer.send({ topic: foreign, messages }), /not authorized/i, foreign)
  }
  await assert.rejects(producerOf(user, 'guessed'), /SASL|[Aa]uthentication/)
  const taken = await millrace(['app', 'kafka-user', 'other', 'admin', ...place])
  assert.equal(taken.code, 1)
  assert.match(taken.stderr, /there is such a user already.*KAFKA_USER_REFUSED/s)
  // With the app go its user and its topic; the user of another app stays.
  const other = await millraceJson<NewApp['kafka']>(['app', 'kafka-user', 'other', 'two', ...place])
  await millraceJson(['app', 'delete', 'shop', '--force', ...place])
  await assert.rejects(producerOf(user, password), /SASL|[Aa]uthentication/)
  const stays = await producerOf(other.user, other.password)
  await stays.send({ topic: other.topic, messages })
  await assert.rejects(stays.send({ topic, messages }), /not authorized|not host/i)
  assert.equal(await server.stop(), 0)
})

test('kafka: a start with a wrong password is refused, naming the port, the address and the mend', async (t) => {
  const { broker } = await startSecuredBroker(t)
  const folder = await temporaryFolder(t)
  const config = join(folder, 'millrace.toml')
  const log = `kafka://admin:wrong@${broker}`
  await writeFile(config, `data = "${join(folder, 'data')}"\nlog = "${log}"\n`)
  const { code, stderr } = await millrace(['start', ...placeOf(config)])
  assert.equal(code, 1)
  assert.match(stderr, /SERVER_REFUSED/)
  assert.match(stderr, new RegExp(`the log \\(${broker.replaceAll('.', '\\.')}\\)`))
  assert.match(stderr, /Correct user, password or rights/)
  assert.doesNotMatch(stderr, /wrong/)
})
