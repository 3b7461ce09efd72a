// `quickstart`: from nothing to personal recommendations on bundled data (MovieTweetings-100K), through the very routes and
// commands an application uses, saying what happens and how fast.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { systemClock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import { everyEvent } from '#ports/event-store'
import type { Json, JsonObject } from '#schemas/json'
import { runOperation } from '../../wiring/operations/run.ts'
import { isEmptyFolder } from '../../wiring/owner.ts'
import type { ImportResult } from '../import.ts'
import { configOf, type ServerOptions, withServerOptions } from '../options.ts'
import { grouped, note } from '../output.ts'
import { createProgressDisplay } from '../progress.ts'
import { type Running, startPlatform, stopped } from '../start.ts'
import { createClient } from './http.ts'
import {
  eventToEffect,
  percentile,
  queryTimes,
  type Recommendation,
  rate,
  recommendations,
  type Target,
} from './measure.ts'
import { createTitles, type Titles } from './titles.ts'

/** The newest rating of the data: the whole set is moved so that this moment is now. */
const NEWEST = Date.parse('2013-09-01T20:27:45.000Z')
const APP = 'movies'
/** Somebody who has rated Fight Club, Memento, The Silence of the Lambs and eight others. */
const KNOWN_USER = '4585'
/** What the new user rates: The Lord of the Rings: The Fellowship of the Ring. */
const FIRST_RATING = '0120737'
const QUERIES = 1000

type QuickstartOptions = ServerOptions & { exit?: boolean }

export function addQuickstartCommand(root: Command): void {
  withServerOptions(root.command('quickstart'))
    .description('from nothing to a personal recommendation on bundled data')
    .option('--exit', 'end after the summary instead of staying up')
    .action(quickstart)
}

async function quickstart(options: QuickstartOptions): Promise<void> {
  const config = configOf(options)
  if (!(await isEmptyFolder(config.data))) {
    throw new MillraceError('DATA_FOLDER_NOT_EMPTY', { folder: config.data })
  }
  const say = options.json ? note : (line: string) => process.stdout.write(`${line}\n`)
  const running = await startPlatform(config)
  let failed = true
  try {
    const summary = await show(running, say)
    failed = false
    if (options.json) process.stdout.write(`${JSON.stringify(summary)}\n`)
    if (options.exit) return
    sayWhatNext(running, say)
    await stopped()
  } finally {
    if (!failed && !options.exit) note('stopping …')
    await running.stop()
  }
}

async function show(running: Running, say: (line: string) => void): Promise<JsonObject> {
  const operation = operations(running)
  const app = (await operation('app.new', { name: APP })) as { id: number; accessKey: string }
  say(`Started. App "${APP}" has the access key ${app.accessKey}`)
  say('')
  say('1. Importing 10,506 films and 100,000 ratings (MovieTweetings-100K), moved to end now')
  const imported = await importRatings(operation)
  say(
    `   ${grouped(imported.events)} events durable and in every sink, ${grouped(imported.perSecond)} a second`,
  )
  say(
    '2. Training the universal engine: who rated this also rated that, and is it more than chance?',
  )
  const trained = (await operation('train', await engineArguments())) as { seconds: number }
  say(`   live after ${trained.seconds.toFixed(1)} s`)
  const client = createClient()
  try {
    const target: Target = {
      client,
      eventUrl: `${running.addresses.event}/events.json?accessKey=${encodeURIComponent(app.accessKey)}`,
      queryUrl: `${running.addresses.query}/queries.json`,
    }
    const titles = createTitles(running.platform.store, app.id)
    const firstRecommendationSeconds = await showKnownUser(target, titles, say)
    await showNewUser(target, titles, say)
    const users = await usersWithHistory(running, app.id)
    await queryTimes(target, users, 200)
    const times = await queryTimes(target, users, QUERIES)
    const summary = {
      events: imported.events,
      ingestPerSecond: Math.round(imported.perSecond),
      trainSeconds: rounded(trained.seconds),
      firstRecommendationSeconds,
      eventToEffectMs: rounded(await eventToEffect(target, FIRST_RATING, 50)),
      queryP50Ms: rounded(percentile(times, 0.5)),
      queryP99Ms: rounded(percentile(times, 0.99)),
    }
    saySummary(summary, say)
    return summary
  } finally {
    client.close()
  }
}

type RunNamed = (name: string, args: JsonObject) => Promise<Json>

function operations({ platform }: Running): RunNamed {
  return async (name, args) => {
    const display = createProgressDisplay()
    const { signal } = new AbortController()
    try {
      const context = { signal, progress: display.update, note }
      return await runOperation(platform, name, args, context)
    } finally {
      display.stop()
    }
  }
}

async function importRatings(operation: RunNamed): Promise<{ events: number; perSecond: number }> {
  const input = fileURLToPath(
    new URL('./data/movietweetings-100k/events.jsonl.gz', import.meta.url),
  )
  const started = systemClock.monotonic()
  const shift = systemClock.now() - NEWEST
  const result = (await operation('import', { app: APP, input, shift })) as unknown as ImportResult
  return {
    events: result.events,
    perSecond: (1000 * result.events) / (systemClock.monotonic() - started),
  }
}

async function engineArguments(): Promise<JsonObject> {
  const url = new URL('./engine.json', import.meta.url)
  return { file: 'engine.json', variant: JSON.parse(await readFile(url, 'utf8')) as Json }
}

/** Returns the seconds from the start of the process to the first recommendation. */
async function showKnownUser(
  target: Target,
  titles: Titles,
  say: (line: string) => void,
): Promise<number> {
  const answer = await recommendations(target, { user: KNOWN_USER, num: 5, explain: true })
  const seconds = rounded(systemClock.monotonic() / 1000)
  say('')
  say(`3. What next for user ${KNOWN_USER}, who rated Fight Club, Memento and nine others?`)
  await sayItems(answer, titles, say)
  const [first] = answer
  const evidence = first?.explanation?.evidence.slice(0, 4) ?? []
  if (first === undefined || evidence.length === 0) return seconds
  say(`   "${await titles(first.item)}" stands first because this user rated`)
  for (const { id, weight } of evidence) say(`      ${weight.toFixed(4)}  ${await titles(id)}`)
  return seconds
}

async function showNewUser(
  target: Target,
  titles: Titles,
  say: (line: string) => void,
): Promise<void> {
  const user = 'new-user'
  say('')
  say('4. Somebody new: nothing is known, so the popular films come first')
  await sayItems(await recommendations(target, { user, num: 5 }), titles, say)
  const position = await rate(target, user, FIRST_RATING)
  say(`   … who now rates "${await titles(FIRST_RATING)}": one event, no training`)
  await sayItems(await recommendations(target, { user, num: 5 }, position), titles, say)
}

async function sayItems(
  items: readonly Recommendation[],
  titles: Titles,
  say: (line: string) => void,
): Promise<void> {
  for (const { item, score } of items) say(`      ${shownScore(score)}  ${await titles(item)}`)
}

/** Backfill has tiny scores: they order what nothing personal is known about. */
function shownScore(score: number): string {
  return (score < 0.001 ? score.toExponential(2) : score.toFixed(3)).padStart(9)
}

async function usersWithHistory({ platform }: Running, app: number): Promise<string[]> {
  const users = new Set<string>()
  const filter = { ...everyEvent(app, 0), entityType: 'user', event: 'rate', limit: 20_000 }
  for await (const event of platform.store.find(filter)) users.add(event.entityId)
  return [...users].slice(-1000)
}

const rounded = (n: number): number => Math.round(n * 100) / 100

function saySummary(summary: { [name: string]: number }, say: (line: string) => void): void {
  say('')
  say(`   events imported                   ${grouped(summary.events ?? 0)}`)
  say(`   import, events a second           ${grouped(summary.ingestPerSecond ?? 0)}`)
  say(`   training until live               ${summary.trainSeconds} s`)
  say(`   first recommendation after        ${summary.firstRecommendationSeconds} s`)
  say(`   event to changed answer, median   ${summary.eventToEffectMs} ms`)
  say(`   query, p50 / p99                  ${summary.queryP50Ms} / ${summary.queryP99Ms} ms`)
}

function sayWhatNext({ addresses }: Running, say: (line: string) => void): void {
  say('')
  say(
    `Events ${addresses.event}   queries ${addresses.query}   health and metrics ${addresses.console}`,
  )
  say(
    `Try:  curl -s -H 'content-type: application/json' -d '{"user":"${KNOWN_USER}","num":3}' ${addresses.query}/queries.json`,
  )
  say('Stop with Ctrl-C. Next: docs/getting-started.md')
}
