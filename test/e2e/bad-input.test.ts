// What is wrong with a command, a file, a folder or a request is said in words, with a stable code. One row a case.
import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { action, eventUrls, send } from '../support/http-client.ts'
import { millrace, millraceJson, startMillrace } from '../support/millrace-process.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const UNIVERSAL = {
  engineFactory: 'universal',
  datasource: { params: { appName: 'shop', eventNames: ['buy'] } },
  algorithms: [{ name: 'ur', params: { appName: 'shop', indicators: [{ name: 'buy' }] } }],
}

test('commands', async (t) => {
  const folder = await temporaryFolder(t)
  const data = join(folder, 'data')
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text)
    return join(folder, name)
  }
  await millraceJson(['app', 'new', 'shop', '--data', data])
  const badKey = structuredClone(UNIVERSAL)
  Object.assign(badKey.algorithms[0]?.params.indicators[0] ?? {}, { maxCorelatorsPerItem: 10 })
  const foreign = join(folder, 'foreign')
  await mkdir(foreign)
  await writeFile(join(foreign, 'letter.txt'), 'dear')
  const untrained = await file('engine.json', JSON.stringify(UNIVERSAL))
  const cases: [string[], RegExp, string?][] = [
    [['app', 'new', 'shop'], /App shop already exists\. Aborting\..*APP_EXISTS/s],
    [['app', 'show', 'nobody'], /App nobody does not exist\. Aborting\..*APP_NOT_FOUND/s],
    [['app', 'channel-new', 'shop', 'no spaces please'], /CHANNEL_NAME_INVALID/],
    [['app', 'channel-delete', 'shop', 'missing', '--force'], /CHANNEL_NOT_FOUND/],
    [
      ['import', '--app', 'shop', '--input', join(folder, 'missing')],
      /does not exist.*FILE_NOT_FOUND/s,
    ],
    [['import', '--input', untrained], /--appid NUMBER or --app NAME is needed.*USAGE/s],
    [
      ['import', '--app', 'shop', '--input', await file('torn.gz', '\u001f\u008b torn')],
      /FILE_UNREADABLE|IMPORT_REFUSED_LINES/,
    ],
    [['export', '--app', 'shop', '--output', folder], /exists already.*FILE_EXISTS/s],
    [
      ['train', '--variant', await file('half.json', '{"id":')],
      /half\.json.*not JSON.*ENGINE_JSON_INVALID/s,
    ],
    [
      ['train', '--variant', await file('key.json', JSON.stringify(badKey))],
      /maxCorrelatorsPerItem.*ENGINE_JSON_INVALID/s,
    ],
    [['train', '--variant', untrained], /no buy events.*TRAINING_NO_EVENTS/s],
    [['train', '--variant', untrained, '--as-of', 'yesterday'], /--as-of yesterday.*USAGE/s],
    [['model', 'rollback', 'nothing'], /ENGINE_NOT_FOUND/],
    [['stop'], /No Millrace is running.*NOT_RUNNING/s],
    [
      ['status', '--config', await file('typo.toml', 'dta = "x"')],
      /Did you mean "data"\?.*CONFIG_INVALID/s,
    ],
    [
      ['status', '--config', await file('pulsar.toml', `data = "${data}"\nlog = "pulsar://x"`)],
      /log: pulsar:\/\/x.*CONFIG_UNSUPPORTED/s,
    ],
    [
      [
        'status',
        '--config',
        await file('away.toml', `data = "${data}"\nlog = "kafka://localhost:1"`),
      ],
      /server of the log \(localhost:1\) cannot be reached.*SERVER_UNREACHABLE/s,
    ],
    [['status', '--config', join(folder, 'none.toml')], /FILE_NOT_FOUND/],
    [['start', '--event-port', 'seventy'], /"seventy" is not a port.*CONFIG_INVALID/s],
    [['start', '--roles', 'ingest'], /ROLES_NOT_SHARED/],
    [['strat'], /unknown command 'strat'/],
    [
      ['app', 'list', '--data', foreign],
      /not a data folder of Millrace.*DATA_FOLDER_FOREIGN/s,
      'own data',
    ],
    [['app', 'list', '--data', untrained], /DATA_FOLDER_UNUSABLE/, 'own data'],
    [['app', 'list', '--data', '/proc/none'], /DATA_FOLDER_UNUSABLE/, 'own data'],
  ]
  for (const [args, expected, own] of cases) {
    const useData = own === undefined && !args.includes('--config')
    const { code, stderr } = await millrace(useData ? [...args, '--data', data] : args)
    assert.equal(code, 1, `${args.join(' ')}: ended with ${code}\n${stderr}`)
    assert.match(stderr, expected, args.join(' '))
    assert.doesNotMatch(stderr, /\n\s+at /, `a stack trace: ${args.join(' ')}`)
  }
})

test('a data folder of another version is refused, and one that is owned', async (t) => {
  const data = join(await temporaryFolder(t), 'data')
  await millraceJson(['app', 'new', 'shop', '--data', data])
  const server = await startMillrace(data, t)
  const second = await millrace(['start', '--data', data, '--event-port', '0'])
  assert.equal(second.code, 1)
  assert.match(
    second.stderr,
    new RegExp(`owned by the running process ${server.pid}.*DATA_FOLDER_OWNED`, 's'),
  )
  assert.equal(await server.stop(), 0)
  const formatFile = join(data, 'millrace.json')
  const format = JSON.parse(await readFile(formatFile, 'utf8')) as { format: number }
  await writeFile(formatFile, JSON.stringify({ ...format, format: format.format + 1 }))
  const newer = await millrace(['app', 'list', '--data', data])
  assert.match(newer.stderr, /DATA_FOLDER_VERSION/)
})

test('a port in use is named with the flag that changes it', async (t) => {
  const data = join(await temporaryFolder(t), 'data')
  const other = createServer().listen(0, '127.0.0.1')
  t.after(() => other.close())
  await new Promise((resolve) => other.once('listening', resolve))
  const port = (other.address() as { port: number }).port
  const { code, stderr } = await millrace([
    'start',
    '--data',
    data,
    '--event-port',
    '0',
    '--query-port',
    String(port),
  ])
  assert.equal(code, 1)
  assert.match(
    stderr,
    new RegExp(
      `query server cannot listen on 127\\.0\\.0\\.1:${port}.*--query-port.*PORT_IN_USE`,
      's',
    ),
  )
})

test('requests', async (t) => {
  const data = join(await temporaryFolder(t), 'data')
  const { accessKey } = await millraceJson<{ accessKey: string }>([
    'app',
    'new',
    'shop',
    '--data',
    data,
  ])
  const server = await startMillrace(data, t)
  const urls = eventUrls(server.event, accessKey)
  const good = action('buy', 'u', 'i')
  const query = `${server.query}/queries.json`
  const cases: [string, string, unknown, number, string][] = [
    ['POST', `${server.event}/events.json`, good, 401, 'ACCESS_KEY_MISSING'],
    ['POST', `${server.event}/events.json?accessKey=wrong`, good, 401, 'ACCESS_KEY_INVALID'],
    ['POST', `${urls.events}&channel=none`, good, 401, 'CHANNEL_INVALID'],
    ['POST', urls.events, { ...good, event: '' }, 400, 'EVENT_'],
    ['POST', urls.events, { ...good, entityId: 'x'.repeat(1025) }, 400, 'ID_TOO_LONG'],
    ['POST', urls.events, '{"event":', 400, 'EVENT_NOT_AN_OBJECT'],
    ['POST', urls.batch, Array.from({ length: 51 }, () => good), 400, 'BATCH_TOO_LARGE'],
    ['POST', urls.batch, good, 400, 'BODY_INVALID'],
    ['GET', urls.event('none'), undefined, 404, 'NOT_FOUND'],
    ['GET', `${urls.events}&limit=many`, undefined, 400, 'PARAMETER_INVALID'],
    ['POST', query, { user: 'u' }, 404, 'ENGINE_NOT_FOUND'],
    ['POST', `${server.query}/engines/none/queries.json`, {}, 404, 'ENGINE_NOT_FOUND'],
  ]
  for (const [method, url, body, status, code] of cases) {
    const reply = await send(method, url, body)
    assert.equal(reply.status, status, `${method} ${url}: ${reply.text}`)
    assert.match(
      reply.headers.get('millrace-error') ?? '',
      new RegExp(`^${code}`),
      `${method} ${url}`,
    )
  }
  assert.equal((await send('POST', urls.events, good)).status, 201)
})
