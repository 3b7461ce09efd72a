import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Config, loadConfig } from '../../infra/wiring/config.ts'
import { EMBEDDED_PORTS, SCHEMES, schemeOf } from '../../infra/wiring/port-urls.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const file = join(await temporaryFolder({ after }), 'millrace.toml')

function configOf(toml: string, environment: Record<string, string> = {}): Config {
  writeFileSync(file, toml)
  return loadConfig({ file, environment, flags: {} })
}

test('every port is embedded unless something else is said', () => {
  const config = configOf('')
  assert.deepEqual(config.ports, EMBEDDED_PORTS)
  assert.equal(config.prefix, 'millrace')
})

test('a prefix that a server would refuse is refused at once', () => {
  assert.equal(configOf('prefix = "shop-2"').prefix, 'shop-2')
  for (const prefix of ['Shop', '2shop', 'shop_2', 'x'.repeat(33)]) {
    assert.throws(() => configOf(`prefix = "${prefix}"`), { code: 'CONFIG_INVALID' }, prefix)
  }
})

test('a scheme that no implementation knows is refused, naming those that are known', () => {
  assert.throws(() => configOf('index = "solr://127.0.0.1:8983"'), {
    code: 'CONFIG_UNSUPPORTED',
    message: /index: solr:\/\/127\.0\.0\.1:8983/,
    hint: new RegExp(SCHEMES.index.map((scheme) => `"${scheme}"`).join(', ')),
  })
})

test('nothing follows the scheme of an embedded port', () => {
  assert.equal(schemeOf('log', 'lmdb:'), 'lmdb:')
  assert.equal(schemeOf('log', 'lmdb://elsewhere'), null)
})

test('the environment goes before the file', () => {
  assert.equal(configOf('event-port = 1', { MILLRACE_EVENT_PORT: '2' }).eventPort, 2)
})

test('an engine may be trained elsewhere than the others', () => {
  const config = configOf('batch = "worker:"\n[engines.shop-universal]\nbatch = "sc://spark:15002"')
  assert.deepEqual([...config.engineBatches], [['shop-universal', 'sc://spark:15002']])
  assert.equal(configOf('').engineBatches.size, 0)
  assert.throws(() => configOf('[engines.shop]\nbatch = "dask://x"'), {
    code: 'CONFIG_UNSUPPORTED',
    message: /engines\.shop\.batch: dask:/,
  })
  assert.throws(() => configOf('[engines.shop]\nbtach = "worker:"'), {
    code: 'CONFIG_INVALID',
    hint: /engines\.<id>\.batch/,
  })
})
