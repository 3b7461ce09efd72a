// `engine compare`: asks an engine what another server was asked, and says where the answers differ.
import { open } from 'node:fs/promises'
import type { Command } from 'commander'
import { MillraceError } from '#ports/errors'
import type { JsonObject } from '#schemas/json'
import { parseJson } from '#schemas/lenient-json'
import { ownerOf } from '../wiring/owner.ts'
import {
  type Comparison,
  compareAnswers,
  type ScoredItem,
  type Verdict,
} from './compare-answers.ts'
import { type CommonOptions, configOf, withCommonOptions } from './options.ts'
import { info, note, printJson } from './output.ts'

interface CompareOptions extends CommonOptions {
  readonly answers: string
  readonly exact?: boolean
}

/** One line of the file: a query and what the other server answered. */
interface Recorded {
  readonly query: string
  readonly expected: readonly ScoredItem[]
}

interface Difference {
  readonly line: number
  readonly query: string
  readonly expected: string
  readonly answered: string
}

/** A refusal is no answer, not even like one without items. */
const REFUSED: Comparison = { verdict: 'different', shared: 0 }

/** Differences that are shown; all are counted. */
const SHOWN_MAX = 10

export function addCompareCommand(engine: Command): void {
  withCommonOptions(engine.command('compare <id>'))
    .description('ask it what another server was asked, and compare the answers')
    .requiredOption('--answers <file>', 'lines of {"query": …, "expected": the answer}')
    .option('--exact', 'fail if any answer differs')
    .action(compare)
}

async function compare(id: string, options: CompareOptions): Promise<void> {
  const { data } = configOf(options)
  const owner = await ownerOf(data)
  if (owner === null) throw new MillraceError('NOT_RUNNING', { folder: data })
  const url = `${owner.query}/engines/${encodeURIComponent(id)}/queries.json`
  const counts: Record<Verdict, number> = { same: 0, ties: 0, different: 0 }
  const differences: Difference[] = []
  let expectedItems = 0
  let sharedItems = 0
  let line = 0
  for await (const text of linesOf(options.answers)) {
    line++
    if (text.trim() === '') continue
    const { query, expected } = recorded(text, options.answers, line)
    const answer = await ask(url, query, owner.pid)
    const { verdict, shared } =
      answer.items === null ? REFUSED : compareAnswers(expected, answer.items)
    counts[verdict]++
    expectedItems += expected.length
    sharedItems += shared
    if (verdict !== 'different' || differences.length === SHOWN_MAX) continue
    differences.push({ line, query, expected: shown(expected), answered: answer.shown })
  }
  const queries = counts.same + counts.ties + counts.different
  const report = { queries, ...counts, expectedItems, sharedItems, differences }
  if (options.json) printJson(report as unknown as JsonObject)
  else print(report)
  if (options.exact && counts.different > 0) {
    throw new MillraceError('ANSWERS_DIFFER', { different: counts.different, queries })
  }
}

function print(report: {
  readonly queries: number
  readonly same: number
  readonly ties: number
  readonly different: number
  readonly expectedItems: number
  readonly sharedItems: number
  readonly differences: readonly Difference[]
}): void {
  const { queries, same, ties, different, expectedItems, sharedItems, differences } = report
  info(
    'Engine$',
    `${queries} queries: ${same} answers are the same, ${ties} but for the order of equal scores, ${different} differ.`,
    `${sharedItems} of ${expectedItems} items are in both answers.`,
  )
  for (const { line, query, expected, answered } of differences) {
    note(`line ${line}: ${query}\n  expected ${expected}\n  answered ${answered}`)
  }
}

/** @throws MillraceError FILE_NOT_FOUND */
async function* linesOf(file: string): AsyncGenerator<string> {
  const handle = await open(file).catch((error: unknown) => {
    throw new MillraceError('FILE_NOT_FOUND', { file }, { cause: error })
  })
  try {
    yield* handle.readLines()
  } finally {
    await handle.close()
  }
}

/** @throws MillraceError FILE_UNREADABLE */
function recorded(text: string, file: string, line: number): Recorded {
  const fail = (reason: string): never => {
    throw new MillraceError('FILE_UNREADABLE', { file, reason: `line ${line}: ${reason}` })
  }
  const reading = parseJson(text)
  if (!reading.ok) return fail(reading.message)
  const { query, raw, expected } = (reading.value ?? {}) as {
    readonly query?: unknown
    readonly raw?: unknown
    readonly expected?: unknown
  }
  const items = itemsOf(expected)
  if (items === null) return fail('"expected" is no answer of a query server')
  if (typeof raw === 'string') return { query: raw, expected: items }
  if (typeof query !== 'object' || query === null) return fail('"query" is no query')
  return { query: JSON.stringify(query), expected: items }
}

/** The items of an answer, of the Universal Recommender's or of Harness'; null when it is none. */
function itemsOf(answer: unknown): readonly ScoredItem[] | null {
  if (typeof answer !== 'object' || answer === null) return null
  const { itemScores, result } = answer as Readonly<Record<string, unknown>>
  const list = itemScores ?? result
  if (!Array.isArray(list)) return null
  return list.map(({ item, score }) => ({ item: String(item), score: Number(score) }))
}

interface Asked {
  /** null: the query was refused. */
  readonly items: readonly ScoredItem[] | null
  readonly shown: string
}

/** @throws MillraceError OWNER_UNREACHABLE */
async function ask(url: string, query: string, pid: number): Promise<Asked> {
  const response = await fetch(url, { method: 'POST', body: query }).catch((error: unknown) => {
    throw new MillraceError('OWNER_UNREACHABLE', { pid, address: url }, { cause: error })
  })
  const text = await response.text()
  const items = response.ok ? itemsOf(JSON.parse(text)) : null
  return { items, shown: items === null ? text : shown(items) }
}

function shown(items: readonly ScoredItem[]): string {
  return items.map(({ item, score }) => `${item} ${score}`).join(', ') || 'nothing'
}
