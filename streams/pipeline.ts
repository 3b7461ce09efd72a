// One consumer a sink:
//
//   log ──read──▶ decode ──▶ apply ──▶ watermark moves
//            │       └ unreadable ─▶ dead letters
//            └ nothing there: wait      └ refused ─▶ dead letters
//                                       └ failed  ─▶ wait, try again (never skip)
//
// A batch is whatever is there when the sink is ready, up to a limit: under load batches grow, at rest a record goes
// through alone and at once. The watermark moves only after the sink has applied the batch.
import type { Clock } from '#ports/clock'
import { asMillraceError, type ErrorCode, MillraceError } from '#ports/errors'
import { aborted } from '#ports/lifecycle'
import type { LogReader } from '#ports/log'
import type { Telemetry } from '#ports/telemetry'
import type { SinkName } from '#ports/watermarks'
import { decodeRecord, encodeRecord } from '#schemas/codec'
import type { DeadLetter } from '#schemas/dead-letter'
import { union, type Watermark } from '#schemas/position'
import type { Placed } from '#schemas/record'
import { type BreakerState, CLOSED_BREAKER, countGood, countRefused, isBroken } from './breaker.ts'
import { retryDelay } from './retry.ts'

/** A record the sink will never take, with the reason. */
export interface Refusal {
  readonly placed: Placed
  readonly code: ErrorCode
  readonly message: string
}

export interface Sink {
  readonly name: SinkName
  /** Where to begin: everything below it is applied and durable. */
  start(): Promise<Watermark>
  /**
   * Applies records (each partition in order) up to `upTo`; resolves with those it refuses by the rules. A rejection means
   * the batch, or a part of it, was not applied: it is handed over again.
   */
  apply(records: readonly Placed[], upTo: Watermark): Promise<readonly Refusal[]>
  /** Where to read on after a rejection, for sinks that lose more than the batch. Without it the batch is repeated. */
  readonly recover?: () => Promise<Watermark>
  /**
   * For sinks that pass a record in the same step in which they refuse it: what they have refused and `buried` has not
   * followed. Asked at the start, so that a crash between the two loses no dead letter.
   */
  readonly unburied?: () => Promise<readonly Refusal[]>
  /** The dead letters of these are durable. Another owner's may not be yet. */
  readonly buried?: (refusals: readonly Refusal[]) => Promise<void>
  /** For sinks with work of their own to do while nothing arrives: they are given a batch of nothing when it is due. */
  readonly turn?: SinkTurn
  /** Makes durable what was applied. Called once, after the last batch. */
  stop(): Promise<void>
}

export interface SinkTurn {
  due(): boolean
  /** Resolves when something may have become due, or when the signal aborts. */
  wait(signal: AbortSignal): Promise<void>
}

export interface PipelineProgress {
  /** Everything below it is applied. */
  readonly applied: Watermark
  readonly records: number
}

export interface PipelineOptions {
  readonly sink: Sink
  readonly log: LogReader
  /** Partitions to read; all of them unless other processes read the rest. */
  readonly partitions?: readonly number[]
  readonly clock: Clock
  readonly telemetry: Telemetry
  /**
   * Makes a dead letter durable and counts it; the same letter may come again. A rejection counts as a failed batch.
   */
  readonly deadLetter: (letter: DeadLetter) => Promise<void>
  /** Told once where the sink goes on, when nothing stands in its way. */
  readonly onBegun?: (from: Watermark) => void
  readonly onApplied: (progress: PipelineProgress) => void
  /** Told of each failure of a batch, and null when it went through after all. */
  readonly onTrouble?: (error: MillraceError | null) => void
  /** Ends after the batch in hand. */
  readonly signal: AbortSignal
  /** Ends as soon as nothing is left to read. */
  readonly drain?: AbortSignal
  /** Bytes of log values a batch holds at most (one commit group more at the outside). */
  readonly batchBytes?: number
}

/** stopped: a signal ended it. broken: too many records were refused. */
export type PipelineEnd = 'stopped' | 'broken'

const BATCH_BYTES = 512 * 1024

/** Refusals that are the sender's doing, not the sink's answer: they do not count for the breaker. */
const BY_RULES: ReadonlySet<ErrorCode> = new Set(['EVENT_ID_REUSED'])

interface Batch {
  readonly records: readonly Placed[]
  readonly unreadable: readonly DeadLetter[]
  readonly upTo: Watermark
}

/** Runs a sink over the log until a signal ends it. Rejects only when the sink cannot stop cleanly. */
export async function runPipeline(options: PipelineOptions): Promise<PipelineEnd> {
  const { sink, signal, drain } = options
  let breaker: BreakerState = CLOSED_BREAKER
  let end: PipelineEnd = 'stopped'
  /** Unreadable records below it are counted and buried: a sink that recovers may read them again. */
  let told: Watermark | null = null
  const breaks = (from: Watermark): boolean => {
    if (!isBroken(breaker)) return false
    options.telemetry.log('error', 'sink-broken', { sink: sink.name, offsets: from.offsets })
    end = 'broken'
    return true
  }
  let place = await persist(options, () => startPlace(options))
  if (place !== null && (await persist(options, () => buryLeftOver(options))) === null) place = null
  if (place !== null) options.onBegun?.(place)
  while (place !== null && !signal.aborted) {
    const from: Watermark = place
    const read = await persist(options, () => readBatch(options, from))
    if (read === null) break
    const batch = withoutTold(read, told)
    if (isEmpty(read) && sink.turn?.due() !== true) {
      if (drain?.aborted) break
      await persist(options, () => waitForMore(options, from))
      continue
    }
    breaker = countUnreadable(breaker, batch)
    if (breaks(from)) break
    place = await applyBatch(options, batch, (refusals) => {
      breaker = countRefusals(breaker, batch, refusals)
    })
    told = union(told ?? from, batch.upTo)
    if (breaks(batch.upTo)) break
  }
  await sink.stop()
  return end
}

/** Applies one batch, as often as it takes; where to read on, or null when it was stopped. */
async function applyBatch(
  options: PipelineOptions,
  batch: Batch,
  onRefusals: (refusals: readonly Refusal[]) => void,
): Promise<Watermark | null> {
  const { sink, clock } = options
  // Before the sink passes them: behind its watermark nobody reads them again.
  for (const letter of batch.unreadable) {
    if ((await persist(options, () => bury(options, letter))) === null) return null
  }
  let refusals: readonly Refusal[] | null = null
  for (let tries = 1; refusals === null; tries++) {
    try {
      refusals = await sink.apply(batch.records, batch.upTo)
      if (tries > 1) options.onTrouble?.(null)
    } catch (error) {
      if (!(await backOff(options, error, tries))) return null
      if (sink.recover !== undefined) return persist(options, () => recovered(options))
    }
  }
  onRefusals(refusals)
  const letters = refusals.map((refusal) => letterOf(sink.name, clock.now(), refusal))
  for (const letter of letters) {
    if ((await persist(options, () => bury(options, letter))) === null) return null
  }
  if (letters.length > 0 && sink.buried !== undefined) {
    const told = refusals
    if ((await persist(options, () => buried(sink, told))) === null) return null
  }
  options.onApplied({
    applied: batch.upTo,
    records: batch.records.length + batch.unreadable.length,
  })
  return batch.upTo
}

/** Buries what the sink refused before the process ended and may not have been buried. */
async function buryLeftOver(options: PipelineOptions): Promise<true> {
  const { sink, clock } = options
  const refusals = (await sink.unburied?.()) ?? []
  for (const refusal of refusals) await bury(options, letterOf(sink.name, clock.now(), refusal))
  if (refusals.length > 0) await sink.buried?.(refusals)
  return true
}

async function buried(sink: Sink, refusals: readonly Refusal[]): Promise<true> {
  await sink.buried?.(refusals)
  return true
}

async function recovered({ sink, onTrouble }: PipelineOptions): Promise<Watermark> {
  const place = (await sink.recover?.()) ?? (await sink.start())
  onTrouble?.(null)
  return place
}

/** Does something as often as it takes; null when it was stopped before it worked. */
async function persist<T>(options: PipelineOptions, work: () => Promise<T>): Promise<T | null> {
  for (let tries = 1; ; tries++) {
    try {
      const result = await work()
      if (tries > 1) options.onTrouble?.(null)
      return result
    } catch (error) {
      if (!(await backOff(options, error, tries))) return null
    }
  }
}

/**
 * Counts and tells a failure and waits, longer each time; false when stopped meanwhile. A failure that trying again is
 * not known to help is tried again all the same: skipping would lose records.
 */
async function backOff(options: PipelineOptions, error: unknown, tries: number): Promise<boolean> {
  const { sink, clock, telemetry, signal, onTrouble } = options
  const trouble = asMillraceError(error)
  const { code, message: reason } = trouble
  telemetry.emit('millrace_sink_failures_total', 1, { sink: sink.name })
  const level = trouble.retryable && tries < 5 ? 'warn' : 'error'
  telemetry.log(level, 'sink-failed', { sink: sink.name, code, reason, tries })
  onTrouble?.(trouble)
  await clock.sleep(retryDelay(tries), signal)
  return !signal.aborted
}

/**
 * Where the sink goes on. A sink that is ahead of the log must not: the offsets it has passed will be given to other
 * records, and it would skip those.
 * @throws MillraceError LOG_BEHIND
 */
async function startPlace(options: PipelineOptions): Promise<Watermark> {
  const { sink, log, telemetry } = options
  const from = await sink.start()
  const place = async (p: number): Promise<number> => {
    const wanted = from.generation === log.generation ? (from.offsets[p] ?? 0) : 0
    const end = await log.end(p)
    if (wanted > end) {
      const details = { end, partition: p, sink: sink.name, applied: wanted }
      throw new MillraceError('LOG_BEHIND', details)
    }
    const kept = await log.start(p)
    if (kept > wanted) {
      telemetry.log('error', 'log-trimmed-too-far', { sink: sink.name, partition: p, wanted, kept })
    }
    return Math.max(wanted, kept)
  }
  const own = partitionsOf(options)
  const offsets = await Promise.all(
    Array.from({ length: log.partitions }, (_, p) =>
      own.includes(p) ? place(p) : (from.offsets[p] ?? 0),
    ),
  )
  return { generation: log.generation, offsets }
}

const partitionsOf = ({ log, partitions }: PipelineOptions): readonly number[] =>
  partitions ?? [...Array(log.partitions).keys()]

async function readBatch(options: PipelineOptions, from: Watermark): Promise<Batch> {
  const { log } = options
  const records: Placed[] = []
  const unreadable: DeadLetter[] = []
  const offsets = [...from.offsets]
  const own = partitionsOf(options)
  const bytes = Math.ceil((options.batchBytes ?? BATCH_BYTES) / Math.max(1, own.length))
  // Asked for together: a log over a network makes one request of them.
  const reads = await Promise.all(
    own.map(async (p) => ({ partition: p, read: await log.read(p, offsets[p] ?? 0, bytes) })),
  )
  for (const { partition, read } of reads) {
    for (const { offset, value } of read.records) {
      const place = { generation: log.generation, partition, offset }
      try {
        records.push({ ...place, record: decodeRecord(value) })
      } catch (error) {
        unreadable.push({
          time: options.clock.now(),
          reason: 'RECORD_UNREADABLE',
          message: error instanceof Error ? error.message : String(error),
          sink: options.sink.name,
          ...place,
          value: Buffer.from(value).toString('base64'),
        })
      }
    }
    offsets[partition] = read.next
  }
  return { records, unreadable, upTo: { generation: log.generation, offsets } }
}

/** The batch without the unreadable records that were told already. */
function withoutTold(batch: Batch, told: Watermark | null): Batch {
  if (told === null || batch.unreadable.length === 0) return batch
  const isNew = ({ partition, offset }: DeadLetter): boolean =>
    offset >= (told.offsets[partition] ?? 0)
  return { ...batch, unreadable: batch.unreadable.filter(isNew) }
}

const isEmpty = (batch: Batch): boolean => batch.records.length + batch.unreadable.length === 0

/** Resolves when some partition has more than `from`, when the sink wants a turn, or when a signal aborts. */
async function waitForMore(options: PipelineOptions, from: Watermark): Promise<true> {
  const { log, sink, signal, drain } = options
  const done = AbortSignal.any(drain === undefined ? [signal] : [signal, drain])
  const enough = new AbortController()
  const either = AbortSignal.any([done, enough.signal])
  const waits = partitionsOf(options).map((p) => log.waitFor(p, from.offsets[p] ?? 0, either))
  if (sink.turn !== undefined) waits.push(sink.turn.wait(either))
  // Who has no partition waits for the end all the same.
  waits.push(aborted(either))
  try {
    await Promise.race(waits)
  } finally {
    enough.abort()
    await Promise.allSettled(waits)
  }
  return true
}

/** Before the batch is applied: with too many unreadable records it is not. Their app cannot be known. */
function countUnreadable(breaker: BreakerState, { unreadable }: Batch): BreakerState {
  return unreadable.reduce((state) => countRefused(state, null), breaker)
}

function countRefusals(
  breaker: BreakerState,
  { records }: Batch,
  refusals: readonly Refusal[],
): BreakerState {
  const counted = refusals.filter(({ code }) => !BY_RULES.has(code))
  const good = countGood(breaker, records.length - counted.length)
  return counted.reduce((state, { placed: { record } }) => countRefused(state, record.app), good)
}

function letterOf(sink: SinkName, time: number, { placed, code, message }: Refusal): DeadLetter {
  const { generation, partition, offset, record } = placed
  const value = encodeRecord(record).toString('base64')
  return { time, reason: code, message, sink, generation, partition, offset, value }
}

async function bury({ deadLetter }: PipelineOptions, letter: DeadLetter): Promise<true> {
  await deadLetter(letter)
  return true
}
