// The host's side of a sink's thread: starts it, hears it, and starts another when it died, from where the sink is
// committed. A sink that broke (too many bad records) stays stopped until the process is started again.
import { Worker } from 'node:worker_threads'
import type { Clock } from '#ports/clock'
import { asMillraceError, MillraceError } from '#ports/errors'
import type { Health } from '#ports/lifecycle'
import type { Telemetry } from '#ports/telemetry'
import type { FromThread, StreamsThreadData, ToThread } from './streams-messages.ts'

const RESTART_FIRST_MS = 100
const RESTART_LONGEST_MS = 30_000
/** A thread that lived so long was well: the next restart is a first one again. */
const WELL_AFTER_MS = 60_000
const BROKEN = 'more than 20 of 1,000 records could not be read'
const STOPPING = 'the platform is stopping'

export interface SinkThreadOptions {
  readonly entry: URL
  readonly data: StreamsThreadData
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Hears everything but telemetry, trouble and the end. */
  readonly onMessage: (message: FromThread) => void
  /** Called with each thread that was started, to tell it what it has to know. */
  readonly onStart: (say: (message: ToThread) => void) => void
  readonly onDied: (reason: string) => void
  /** A batch failed and is tried again; null when it went through after all. */
  readonly onTrouble: (error: MillraceError | null) => void
  /** It ended and no other thread is started. */
  readonly onEnded: (reason: string) => void
}

export interface SinkThread {
  /** Sends to the thread that runs; lost when none does. */
  say(message: ToThread): void
  health(): Health
  /** Lets it apply what is there, for at most `drainMs`, then stop, for at most `stopMs` (by default as long). */
  close(drainMs: number, stopMs?: number): Promise<void>
}

type Trouble = Extract<FromThread, { type: 'trouble' }>['trouble']

export function startSinkThread(options: SinkThreadOptions): SinkThread {
  const { data, clock, telemetry } = options
  const { sink } = data
  let worker: Worker | null = null
  let trouble: Trouble = null
  let broken = false
  let died: string | null = null
  let closing = false
  const over = new AbortController()
  let running: Promise<void> = Promise.resolve()

  const hear = (message: FromThread): void => {
    if (message.type === 'trouble') {
      trouble = message.trouble
      options.onTrouble(trouble && new MillraceError(trouble.code, trouble.details))
    } else if (message.type === 'log') telemetry.log(message.level, message.event, message.fields)
    else if (message.type === 'metric') {
      telemetry.emit(message.metric, message.value, message.labels as never)
    } else if (message.type === 'ended') broken = message.end === 'broken'
    else {
      if (message.type === 'ready') died = null
      options.onMessage(message)
    }
  }
  /** Runs one thread to its end; resolves with the reason when it died. */
  const runThread = (): Promise<string | null> =>
    new Promise((resolve) => {
      let reason: string | null = null
      let ended = false
      const thread = new Worker(options.entry, { workerData: data, name: `millrace-${sink}` })
      worker = thread
      thread.on('message', (message: FromThread) => {
        ended ||= message.type === 'ended'
        try {
          hear(message)
        } catch (error) {
          const why = asMillraceError(error).message
          telemetry.log('error', 'streams-message-failed', {
            sink,
            type: message.type,
            reason: why,
          })
        }
      })
      thread.on('error', (error) => {
        reason = error instanceof Error ? error.message : String(error)
      })
      thread.on('exit', (code) => {
        worker = null
        resolve(ended ? null : (reason ?? `it ended with code ${code}`))
      })
      options.onStart((message) => thread.postMessage(message))
    })
  const supervise = async (): Promise<void> => {
    for (let wait = RESTART_FIRST_MS; ; wait = Math.min(wait * 2, RESTART_LONGEST_MS)) {
      const startedAt = clock.monotonic()
      const reason = await runThread()
      if (reason === null || closing) return options.onEnded(broken ? BROKEN : STOPPING)
      died = reason
      telemetry.log('error', 'sink-thread-died', { sink, reason })
      options.onDied(reason)
      if (clock.monotonic() - startedAt > WELL_AFTER_MS) wait = RESTART_FIRST_MS
      await clock.sleep(wait, over.signal)
      if (closing) return options.onEnded(STOPPING)
    }
  }
  running = supervise()
  return {
    say: (message) => worker?.postMessage(message),
    health: () => healthOf(sink, { broken, died, trouble }),
    close: async (drainMs, stopMs = drainMs) => {
      closing = true
      over.abort()
      worker?.postMessage({ type: 'drain' } satisfies ToThread)
      const bounded = new AbortController()
      const late = clock.sleep(drainMs, bounded.signal).then(async () => {
        if (bounded.signal.aborted) return
        worker?.postMessage({ type: 'stop' } satisfies ToThread)
        await clock.sleep(stopMs, bounded.signal)
        if (!bounded.signal.aborted) await worker?.terminate()
      })
      await running
      bounded.abort()
      await late
    },
  }
}

interface Condition {
  readonly broken: boolean
  readonly died: string | null
  readonly trouble: Trouble
}

function healthOf(sink: string, { broken, died, trouble }: Condition): Health {
  const name = `${sink} sink`
  if (broken) {
    return {
      name,
      status: 'failed',
      detail: `It stopped: ${BROKEN}.`,
      hint: 'Look at the log of this process, mend the cause, then start Millrace again.',
    }
  }
  if (died !== null) {
    const detail = `Its thread ended (${died}) and is started again.`
    return { name, status: 'failed', detail, hint: 'See the log of this process.' }
  }
  if (trouble !== null) {
    return { name, status: 'failed', detail: trouble.reason, hint: trouble.hint }
  }
  return { name, status: 'ok', detail: 'It runs.' }
}
