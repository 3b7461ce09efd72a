// One operation on the server, from its beginning to its release. The server ends a stream of answers when it likes, and so do
// networks: the operation goes on meanwhile, and we attach to it again behind the last answer that came.
import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import { SQL_DEADLINE_MS, type SqlOptions, type SqlProgress } from '#ports/sql-session'
import type { Caller } from './caller.ts'
import type { Answers, ExecutePlanResponse, Plan } from './client.ts'
import { isBegun, isPassing, isStreamOver, isUnknownOperation } from './errors.ts'

/** A stream at most. The server ends it after two minutes by itself, unless it is configured otherwise. */
const STREAM_MS = 600_000
const PAUSE_FIRST_MS = 50
const PAUSE_LONGEST_MS = 10_000
/** How long a server may be away. It keeps an operation to which nobody is attached for five minutes. */
const AWAY_MAX_MS = 120_000
/** Whoever aborts waits no longer than this for the server's word, which takes some 0.1 s. */
const INTERRUPT_MS = 500
const RELEASE_MS = 5000

const REQUEST_OPTIONS = [
  { reattachOptions: { reattachable: true } },
  { resultChunkingOptions: { allowArrowBatchChunking: true } },
]

/**
 * Runs a plan and yields its answers, each once: batches of rows are put together from their chunks, progress is told. An answer
 * counts as taken when the next is asked for. Whoever stops asking stops the operation.
 * @throws MillraceError SPARK_UNREACHABLE, SPARK_REFUSED, SPARK_LOST, SPARK_DEADLINE, and the reason of the signal
 */
export async function* runOperation(
  caller: Caller,
  plan: Plan,
  options: SqlOptions = {},
): AsyncGenerator<ExecutePlanResponse, void, void> {
  options.signal?.throwIfAborted()
  caller.closed.throwIfAborted()
  const { client, clock } = caller
  const operationId = options.resume?.operation ?? caller.uuid()
  const begin = (): Answers => {
    const request = { ...caller.asking(), operationId, plan, requestOptions: REQUEST_OPTIONS }
    return client.executePlan(request, STREAM_MS)
  }
  const attach = (): Answers => {
    const behind = last === null ? {} : { lastResponseId: last }
    return client.reattachExecute({ ...caller.asking(), operationId, ...behind }, STREAM_MS)
  }
  const stop = watchOver(caller, operationId, options)
  const patience = createPatience(clock, stop.signal)
  const taken = createTaken(caller, operationId, options)
  const chunks = createChunks()
  let last = options.resume?.response ?? null
  let call: Answers | null = null
  let next = options.resume === undefined ? begin : attach
  try {
    for (;;) {
      try {
        call = next()
        stop.watch(call)
        for await (const answer of call) {
          await stop.check()
          patience.renew()
          caller.heard(answer)
          last = answer.responseId
          if (answer.resultComplete !== undefined) return
          if (answer.executionProgress !== undefined) {
            tellProgress(answer.executionProgress.stages, options.progress)
            continue
          }
          const whole = chunks.add(answer)
          if (whole === null) continue
          yield whole
          taken.until(last)
        }
        patience.renew()
        await clock.sleep(PAUSE_FIRST_MS, stop.signal)
        next = attach
      } catch (error) {
        await stop.check()
        if (isStreamOver(error)) {
          next = attach
          continue
        }
        // Only the beginning may be made again, and only while the server has not told that it took place.
        const lostBeginning = isUnknownOperation(error) && last === null && !options.resume
        if (!lostBeginning && !isPassing(error) && !isBegun(error)) {
          throw await caller.explain(error)
        }
        await patience.pause(() => caller.explain(error))
        next = lostBeginning ? begin : attach
      }
      await stop.check()
    }
  } finally {
    stop.end()
    call?.cancel()
    taken.all()
  }
}

/** Counts how long the server has been away, and waits longer each time. */
function createPatience(clock: Clock, signal: AbortSignal) {
  let attempt = 0
  let since = 0
  return {
    renew: (): void => {
      attempt = 0
    },
    pause: async (failure: () => Promise<MillraceError>): Promise<void> => {
      if (attempt === 0) since = clock.monotonic()
      else if (clock.monotonic() - since > AWAY_MAX_MS) throw await failure()
      await clock.sleep(Math.min(PAUSE_FIRST_MS * 2 ** attempt++, PAUSE_LONGEST_MS), signal)
    },
  }
}

/** Tells the server, and the caller, which answers are taken: it keeps the others for an attachment to come. */
function createTaken(caller: Caller, operationId: string, { operation }: SqlOptions) {
  const { client, session } = caller
  let releasing = false
  const release = async (what: object): Promise<void> => {
    try {
      await client.releaseExecute({ ...caller.asking(), operationId, ...what }, RELEASE_MS)
    } catch {
      // It keeps them until a later release, or until nobody has been attached for five minutes.
    }
  }
  operation?.({ session, operation: operationId, response: null })
  return {
    until: (responseId: string): void => {
      operation?.({ session, operation: operationId, response: responseId })
      if (releasing) return
      releasing = true
      void release({ releaseUntil: { responseId } }).then(() => {
        releasing = false
      })
    },
    all: (): void => {
      void release({ releaseAll: {} })
    },
  }
}

/** Ends the operation when the signal aborts or its time is over: interrupts it on the server, then ends the call. */
function watchOver(caller: Caller, operationId: string, options: SqlOptions) {
  const { client, clock } = caller
  const { signal, deadlineMs = SQL_DEADLINE_MS } = options
  const over = new AbortController()
  const stopped = new AbortController()
  let call: Answers | null = null
  let interrupted: Promise<void> | null = null
  const interrupt = async (): Promise<void> => {
    try {
      const interruptType = 'INTERRUPT_TYPE_OPERATION_ID'
      await client.interrupt({ ...caller.asking(), interruptType, operationId }, INTERRUPT_MS)
    } catch {
      // Releasing the operation ends it too; else the server does, when nobody has been attached for five minutes.
    }
    call?.cancel()
  }
  const stop = (reason: unknown): void => {
    if (over.signal.aborted) return
    over.abort()
    stopped.abort(reason)
    interrupted = interrupt()
  }
  const abort = (): void => stop(signal?.reason)
  signal?.addEventListener('abort', abort)
  const closed = (): void => stop(caller.closed.reason)
  caller.closed.addEventListener('abort', closed)
  void clock.sleep(deadlineMs, over.signal).then(() => {
    stop(new MillraceError('SPARK_DEADLINE', { seconds: Math.round(deadlineMs / 1000) }))
  })
  return {
    signal: stopped.signal,
    watch: (now: Answers): void => {
      call = now
    },
    /** @throws the reason, when the server knows of it */
    check: async (): Promise<void> => {
      if (!stopped.signal.aborted) return
      await interrupted
      throw stopped.signal.reason
    },
    end: (): void => {
      over.abort()
      signal?.removeEventListener('abort', abort)
      caller.closed.removeEventListener('abort', closed)
    },
  }
}

/** Puts batches of rows together that were sent in chunks. */
function createChunks() {
  let chunks: Buffer[] = []
  return {
    /** The answer with its whole batch; null while chunks are missing. */
    add: (answer: ExecutePlanResponse): ExecutePlanResponse | null => {
      const { arrowBatch } = answer
      const expected = arrowBatch?.numChunksInBatch ?? 1
      if (arrowBatch === undefined || expected === 1) return answer
      chunks.push(arrowBatch.data)
      if (chunks.length < expected) return null
      const data = Buffer.concat(chunks)
      chunks = []
      return { ...answer, arrowBatch: { data } }
    },
  }
}

/** The server tells of started stages only. Those that are over have all their tasks done. */
function tellProgress(
  stages: NonNullable<ExecutePlanResponse['executionProgress']>['stages'],
  tell: ((progress: SqlProgress) => void) | undefined,
): void {
  const running = stages.findLast(({ done }) => !done) ?? stages.at(-1)
  if (running === undefined) return
  tell?.({
    stage: stages.length,
    tasksDone: running.numCompletedTasks,
    tasks: running.numTasks,
  })
}
