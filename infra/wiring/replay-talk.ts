// Questions and answers between the thread of a replay and its host. Either side may ask; a failure travels as its code.
import { asMillraceError, type ErrorCode, type ErrorDetails, MillraceError } from '#ports/errors'
import type { HeldItem, ItemPage } from '#ports/held-items'
import type { JobProgress } from '#ports/job-queue'
import type { Watermark } from '#schemas/position'
import type { IndexCompared } from '../../streams/compare-index.ts'
import type { Differences } from '../../streams/differences.ts'
import type { Filled } from '../../streams/fill-store.ts'
import type { FilesPlace } from './files-place.ts'
import type { LogSource } from './log-source.ts'

/** What the thread is started with. */
export interface ReplayThreadData {
  readonly role: 'replay'
  readonly log: LogSource
  readonly files: FilesPlace
  /** Folder of the live version and of the one to be made. */
  readonly livePath: string
  readonly path: string
}

export interface AppItems {
  readonly app: number
  /** Events whose targets are items. */
  readonly primaryEvents: readonly string[]
}

export interface Compared {
  /** Where both versions were compared. */
  readonly watermark: Watermark
  readonly filled: Filled
  readonly events: number
  readonly differences: Differences
  /** null: the index could not be compared, for this reason. */
  readonly index: IndexCompared | { readonly skipped: string }
}

/** What the host asks the thread, with the answers. */
export type ToReplay = {
  /** Rebuild and compare. */
  compare: { question: { readonly items: readonly AppItems[] | null }; answer: Compared }
  /** Come close to the log's end, so that little is left when the live version stops. */
  approach: { question: object; answer: null }
  /** Come to exactly this place, make it durable, and close the version. */
  finish: { question: { readonly upTo: Watermark }; answer: null }
}

/** What the thread asks the host. */
export type FromReplay = {
  held: {
    question: { readonly app: number; readonly items: readonly string[] }
    answer: readonly HeldItem[]
  }
  list: {
    question: { readonly app: number; readonly from: number; readonly limit: number }
    answer: ItemPage
  }
  /** Answered when the index has applied as much; false when that takes too long. */
  settled: { question: { readonly watermark: Watermark }; answer: boolean }
}

type Questions = Record<string, { question: object; answer: unknown }>

export type Answers<Q extends Questions> = {
  readonly [K in keyof Q]: (question: Q[K]['question']) => Promise<Q[K]['answer']>
}

type Message =
  | {
      readonly type: 'question'
      readonly id: number
      readonly name: string
      readonly question: object
    }
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
  | {
      readonly type: 'failure'
      readonly id: number
      readonly code: ErrorCode
      readonly details: ErrorDetails
    }
  | { readonly type: 'progress'; readonly progress: JobProgress }
  | { readonly type: 'abort' }

interface Line {
  postMessage(message: Message): void
  on(event: 'message', listener: (message: Message) => void): unknown
}

export interface Talk<Asked extends Questions> {
  ask<K extends keyof Asked & string>(
    name: K,
    question: Asked[K]['question'],
  ): Promise<Asked[K]['answer']>
  progress(progress: JobProgress): void
  abort(): void
  /** The other side is gone: whoever waits for an answer is told. */
  end(error: MillraceError): void
}

interface Ears {
  readonly onProgress?: (progress: JobProgress) => void
  readonly onAbort?: () => void
}

export function createTalk<Asked extends Questions, Answered extends Questions>(
  line: Line,
  answers: Answers<Answered>,
  { onProgress = () => {}, onAbort = () => {} }: Ears = {},
): Talk<Asked> {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let next = 0
  let over: MillraceError | null = null
  const settle = (id: number): PromiseWithResolvers<unknown> | undefined => {
    const found = waiting.get(id)
    waiting.delete(id)
    return found
  }
  const answer = async (id: number, name: string, question: object): Promise<void> => {
    try {
      line.postMessage({ type: 'answer', id, answer: await answers[name]?.(question) })
    } catch (error) {
      const { code, details } = asMillraceError(error)
      line.postMessage({ type: 'failure', id, code, details })
    }
  }
  line.on('message', (message) => {
    if (message.type === 'progress') onProgress(message.progress)
    else if (message.type === 'abort') onAbort()
    else if (message.type === 'question') void answer(message.id, message.name, message.question)
    else if (message.type === 'answer') settle(message.id)?.resolve(message.answer)
    else settle(message.id)?.reject(new MillraceError(message.code, message.details))
  })
  return {
    ask: (name, question) => {
      if (over !== null) return Promise.reject(over)
      const id = next++
      const promise = Promise.withResolvers<unknown>()
      waiting.set(id, promise)
      line.postMessage({ type: 'question', id, name, question })
      return promise.promise
    },
    progress: (progress) => line.postMessage({ type: 'progress', progress }),
    abort: () => line.postMessage({ type: 'abort' }),
    end: (error) => {
      over = error
      for (const id of [...waiting.keys()]) settle(id)?.reject(error)
    },
  }
}
