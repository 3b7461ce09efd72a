// The order of the house, as far as formatter, linter and compiler do not see it. Each message says what to do.
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { RECORD_KINDS } from '#schemas/record'
import {
  filesBelow,
  ROOT,
  reachable,
  readText,
  SOURCE_FOLDERS,
  type SourceFile,
  sourceFiles,
} from '../support/source-tree.ts'

/** Folder → folders whose files it may import, besides its own. A file belongs to the longest folder that holds it. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  schemas: [],
  'infra/ports': ['schemas'],
  ingest: ['schemas', 'infra/ports'],
  streams: ['schemas', 'infra/ports'],
  batch: ['schemas', 'infra/ports'],
  serving: ['schemas', 'infra/ports'],
  'infra/archive': ['schemas', 'infra/ports'],
  'infra/embedded': ['schemas', 'infra/ports'],
  'infra/kafka': ['schemas', 'infra/ports'],
  'infra/hbase': ['schemas', 'infra/ports'],
  'infra/hdfs': ['schemas', 'infra/ports'],
  'infra/elasticsearch': ['schemas', 'infra/ports'],
  'infra/bullmq': ['schemas', 'infra/ports'],
  'infra/spark': ['schemas', 'infra/ports'],
  'infra/cluster': [],
  'infra/wiring': [
    ...['schemas', 'infra/ports', 'ingest', 'streams', 'batch', 'serving', 'infra/archive'],
    ...['infra/embedded', 'infra/kafka', 'infra/hbase', 'infra/hdfs', 'infra/elasticsearch'],
    ...['infra/bullmq', 'infra/spark', 'infra/cluster'],
  ],
  'infra/cli': ['schemas', 'infra/ports', 'infra/wiring'],
}

interface Ban {
  readonly what: RegExp
  readonly instead: string
  /** Paths that begin with one of these may. */
  readonly allowed: readonly string[]
}

const BANS: readonly Ban[] = [
  {
    what: /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/g,
    instead: 'take a Clock (#ports/clock) and call its now() or monotonic()',
    allowed: ['infra/ports/clock.ts', 'test/'],
  },
  {
    what: /\bMath\.random\(/g,
    instead: 'take chance as a parameter, so that a run can be repeated',
    allowed: ['test/'],
  },
  {
    what: /\bconsole\.\w+\(/g,
    instead: 'log by Telemetry (#ports/telemetry), or print in infra/cli by its output functions',
    allowed: ['infra/cli/', 'test/bench/', 'test/support/'],
  },
  {
    what: /\bprocess\.exit\(/g,
    instead: 'throw, or set process.exitCode and close what is open',
    allowed: ['infra/cli/', 'test/'],
  },
  {
    what: /\bprocess\.env\b/g,
    instead: 'read the configuration (infra/wiring/config.ts)',
    allowed: ['infra/cli/', 'infra/wiring/', 'test/'],
  },
  {
    what: /\b(?:it|test|describe|suite)\.(?:only|skip|todo)\(|\b(?:skip|only|todo): true/g,
    instead: 'run every test, or delete it',
    allowed: [],
  },
  {
    what: /@ts-(?:ignore|nocheck|expect-error)/g,
    instead: 'give it the right type',
    allowed: [],
  },
]

/** Files of ours named by launchers and scripts. */
const ENTRY = /\b(?:infra|test)\/[\w/-]+\.ts\b/g
const LINES_MAX = 400
/** One table each, read by looking up and not from top to bottom. */
const TABLES = ['infra/ports/errors.ts']
const files = sourceFiles()
const source = files.filter(({ path }) => !path.startsWith('test/'))
const SELF = 'test/unit/tidy.test.ts'
/** What has an Avro schema: records of the log, and what direct producers write. */
const AVRO_KINDS: readonly string[] = [...RECORD_KINDS, 'inbox-event']

/** Fails with one line for each complaint. */
function none(complaints: readonly string[]): void {
  assert.ok(complaints.length === 0, `\n  ${complaints.join('\n  ')}\n`)
}

function layerOf(path: string): string | undefined {
  return Object.keys(LAYERS)
    .filter((folder) => path.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length)[0]
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

function matches({ path, code }: SourceFile, what: RegExp): { found: string; where: string }[] {
  return [...code.matchAll(what)].map((match) => ({
    found: match[0],
    where: `${path}:${lineOf(code, match.index)}`,
  }))
}

describe('tidy: layers', () => {
  it('has every source file in a folder of the table', () => {
    none(
      source
        .filter(({ path }) => layerOf(path) === undefined)
        .map(({ path }) => `${path}: its folder is not in LAYERS of ${SELF}`),
    )
  })

  it('imports only what the table allows', () => {
    const complaints = source.flatMap(({ path, imports }) => {
      const own = layerOf(path) ?? ''
      const allowed = [own, ...(LAYERS[own] ?? [])]
      return imports
        .filter((target) => !allowed.includes(layerOf(target) ?? target))
        .map(
          (target) =>
            `${path} imports ${target}: ${own}/ may import only ${allowed.join(', ')}; pass it in, or bind it in infra/wiring`,
        )
    })
    none(complaints)
  })

  it('imports only files that exist', () => {
    const known = new Set(files.map(({ path }) => path))
    none(
      source.flatMap(({ path, imports }) =>
        imports
          .filter((target) => !known.has(target) && !existsSync(join(ROOT, target)))
          .map((target) => `${path} imports ${target}, which is not there`),
      ),
    )
  })

  it('writes imports of schemas and ports from elsewhere as #schemas/… and #ports/…', () => {
    const complaints = files.flatMap((file) => {
      const own = layerOf(file.path)
      return matches(file, /from '(?:\.\.\/)+(?:schemas|infra\/ports|ports)\/[^']*'/g)
        .filter(() => own !== 'schemas' && own !== 'infra/ports')
        .map(({ found, where }) => `${where}: ${found}: write #schemas/… or #ports/…`)
    })
    none(complaints)
  })
})

describe('tidy: files', () => {
  it('holds no source file that nothing uses', () => {
    const launchers = readdirSync(ROOT)
      .filter((name) => name === 'millrace' || name === 'pio' || name === 'package.json')
      .flatMap((name) => [...readText(name).matchAll(ENTRY)].map(([path]) => path))
    const live = reachable(files, launchers)
    none(
      source
        .filter(({ path }) => !live.has(path))
        .map(({ path }) => `${path} is not reached from infra/cli/main.ts: use it or delete it`),
    )
  })

  it('holds no test support that no test uses', () => {
    const scripts = [...readText('package.json').matchAll(ENTRY)].map(([path]) => path)
    const tests = files.map(({ path }) => path).filter((path) => path.endsWith('.test.ts'))
    const benches = files.map(({ path }) => path).filter((path) => path.startsWith('test/bench/'))
    const own = ['test/support/write-reference.ts']
    const live = reachable(files, [...scripts, ...tests, ...benches, ...own])
    none(
      files
        .filter(({ path }) => path.startsWith('test/') && !live.has(path))
        .map(({ path }) => `${path} is used by no test: use it or delete it`),
    )
  })

  it(`has at most ${LINES_MAX} lines a file`, () => {
    none(
      files
        .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
        .filter(({ path, lines }) => lines > LINES_MAX && !TABLES.includes(path))
        .map(({ path, lines }) => `${path} has ${lines} lines: split it (60 to 300 read well)`),
    )
  })

  it('names files in kebab-case', () => {
    const name = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*$/
    const exceptions = ['README.md', 'LICENSE', 'LICENSE.md', 'LICENSE.txt', 'NOTICE', 'Dockerfile']
    none(
      [...SOURCE_FOLDERS, 'test', 'docs']
        .flatMap((folder) => filesBelow(folder))
        .filter((path) => {
          const last = path.split('/').at(-1) as string
          return !name.test(last) && !exceptions.includes(last)
        })
        .map((path) => `${path}: write its name in kebab-case`),
    )
  })

  it('has no dependency that no source file imports', () => {
    const { dependencies } = JSON.parse(readText('package.json')) as {
      dependencies: Record<string, string>
    }
    // The runtime itself; the launcher starts it.
    const runtime = ['node']
    // Libraries of the backends of a cluster, which come one by one.
    const cluster = ['kafkajs', '@elastic/elasticsearch', 'hbase-rpc-client', 'bullmq', 'ioredis']
    const exceptions = [...runtime, ...cluster]
    none(
      Object.keys(dependencies)
        .filter((name) => !exceptions.includes(name))
        .filter((name) => !source.some(({ code }) => code.includes(`'${name}`)))
        .map(
          (name) => `package.json: nothing imports ${name}: remove it, or make it a devDependency`,
        ),
    )
  })

  it('knows every Avro schema', () => {
    const expected = AVRO_KINDS.map((kind) => `schemas/avro/${kind}.avsc`).sort()
    const found = filesBelow('schemas/avro').filter((path) => !path.includes('/history/'))
    assert.deepEqual(
      found,
      expected,
      'one schema for each of RECORD_KINDS and for inboxes, and no other',
    )
    none(
      filesBelow('schemas/avro/history')
        .filter((path) => !AVRO_KINDS.some((kind) => path.includes(`/history/${kind}-`)))
        .map((path) => `${path} belongs to no schema: delete it`),
    )
  })

  it('knows every page of documentation', () => {
    const folders = ['docs/', 'infra/', 'test/']
    const root = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md']
    none(
      markdown()
        .filter((path) => !root.includes(path) && !folders.some((f) => path.startsWith(f)))
        .map((path) => `${path}: move it to docs/`),
    )
  })

  it('links only to files that exist', () => {
    const complaints = markdown().flatMap((path) => {
      const text = readText(path).replace(/```[\s\S]*?```/g, '')
      return [...text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)]
        .map((match) => match[1] as string)
        .filter((target) => !/^[a-z]+:/.test(target))
        .filter((target) => !existsSync(join(ROOT, dirname(path), target)))
        .map((target) => `${path} links to ${target}, which is not there`)
    })
    none(complaints)
  })
})

function markdown(): string[] {
  const folders = [...SOURCE_FOLDERS, 'test', 'docs'].flatMap((folder) => filesBelow(folder))
  return [...readdirSync(ROOT), ...folders].filter((path) => path.endsWith('.md'))
}

describe('tidy: text', () => {
  for (const { what, instead, allowed } of BANS) {
    it(`keeps out ${what.source}`, () => {
      none(
        files
          .filter(({ path }) => path !== SELF && !allowed.some((start) => path.startsWith(start)))
          .flatMap((file) => matches(file, what))
          .map(({ found, where }) => `${where}: ${found} is banned: ${instead}`),
      )
    })
  }

  const everything = [...SOURCE_FOLDERS, 'test', 'docs']
    .flatMap((folder) => filesBelow(folder))
    .concat(['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'package.json'])
    .filter((path) => /\.(?:ts|md|json|toml|sh|html|css|avsc)$/.test(path) && path !== SELF)
    .filter((path) => existsSync(join(ROOT, path)))

  /** Lines of all texts that match, as complaints. */
  const lines = (what: RegExp, advice: string): string[] =>
    everything.flatMap((path) =>
      readText(path)
        .split('\n')
        .map((line, index) => ({ line, where: `${path}:${index + 1}` }))
        .filter(({ line }) => line.length < 2000 && what.test(line))
        .map(({ line, where }) => `${where}: ${advice}: ${line.trim().slice(0, 100)}`),
    )

  it('leaves no notes of unfinished work', () => {
    none(lines(/\b(?:FIXME|TODO|XXX|HACK)\b/, 'finish it, or write an issue'))
  })

  it('names no path and no address of one machine', () => {
    none(lines(/(?:^|[\s'"`(=])\/(?:work|root|home|Users)\/\w/, 'no path of a machine'))
    none(lines(/\b(?:10\.\d+|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d+\.\d+\b/, 'no address'))
  })

  it('says nothing about how it was written', () => {
    none(lines(/\b[Ii]ssue #?\d+\b|\b(?:as an AI|language model|this session)\b/, 'take it out'))
  })
})
