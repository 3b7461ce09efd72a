// A Spark Connect server that does what a script says. It keeps the answers of an operation as Spark does: sends them again from
// where a client attaches, refuses to once they are released, and knows an operation no more when all of it is.
import { loadPackageDefinition, Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js'
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader'
import { type Table, tableFromArrays, tableToIPC } from 'apache-arrow'
import { PROTO_FILE, PROTO_OPTIONS } from '../../infra/spark/connect/library.ts'

/** A failure as gRPC has it; `errorClass` and what else Spark tells go into its details. */
export interface FakeFailure {
  readonly code?: number
  readonly message?: string
  readonly errorClass?: string
  readonly exception?: string
  /** Told when the details are asked for. */
  readonly details?: object
}

/** How one stream ends: cleanly or with a failure behind so many answers, or never. */
export interface Cut {
  readonly after: number
  readonly how: 'end' | 'hang' | FakeFailure
}

export interface Script {
  /** `{ arrowBatch: … }`, `{ executionProgress: … }`, … in this order; `resultComplete` is added. */
  readonly answers: readonly object[]
  /** Of the first stream, the second, …; streams beyond these are not cut. */
  readonly cuts?: readonly Cut[]
  /** The first calls to execute fail before the operation begins. */
  readonly lostBeginnings?: number
  /** The operation never ends. */
  readonly endless?: boolean
}

export interface FakeSpark {
  readonly url: string
  /** Calls of operations in the order they came: `execute`, `attach r1`, `release r1`, `release all`, `interrupt`. */
  readonly calls: readonly string[]
  /** Requests of the other calls: method and message. */
  readonly asked: readonly (readonly [string, Record<string, unknown>])[]
  /** Ids of the operations that were begun. */
  readonly operations: readonly string[]
  /** What is executed next; by default no answers but the end. */
  play(script: Script): void
  /** What this call does instead of answering: fails, or never answers. Null lets it answer again. */
  spoil(method: string, how: 'hang' | FakeFailure | null): void
  /** Forgets all sessions and operations. */
  restart(): void
  close(): void
}

interface Operation {
  readonly script: Script
  readonly answers: readonly object[]
  streams: number
  /** Answers up to this one are gone. */
  released: number
}

interface Call {
  readonly request: Record<string, unknown>
  write(message: object): void
  end(): void
  emit(event: 'error', failure: object): void
}

type Done = (failure: object | null, answer?: object) => void

const definitions = loadSync(PROTO_FILE, PROTO_OPTIONS)

const message = (name: string, fields: object): Buffer =>
  (definitions[`spark.connect.${name}`] as MessageTypeDefinition<object, object>).serialize(fields)

const gone = (what: string): FakeFailure => ({
  errorClass: `INVALID_HANDLE.${what}`,
  message: `[INVALID_HANDLE.${what}] The handle is invalid.`,
})

/** @param version what the server says it is */
export async function startFakeSpark(version = '4.1.1'): Promise<FakeSpark> {
  const calls: string[] = []
  const asked: [string, Record<string, unknown>][] = []
  const begun: string[] = []
  const operations = new Map<string, Operation>()
  const spoilt = new Map<string, 'hang' | FakeFailure>()
  const errors: object[] = []
  let next: Script = { answers: [] }
  let lost = 0
  let incarnation = 1
  const failureOf = (failure: FakeFailure): object => {
    const {
      code = status.INTERNAL,
      message: details = 'it failed',
      errorClass,
      exception,
    } = failure
    const metadata = new Metadata()
    if (errorClass !== undefined || exception !== undefined) {
      const errorId =
        failure.details === undefined ? {} : { errorId: `e${errors.push(failure.details)}` }
      const info = message('ErrorInfo', {
        reason: exception ?? 'org.apache.spark.SparkException',
        metadata: { ...(errorClass === undefined ? {} : { errorClass }), ...errorId },
      })
      const typeUrl = 'type.googleapis.com/google.rpc.ErrorInfo'
      const all = message('Status', { code, message: details, details: [{ typeUrl, value: info }] })
      metadata.set('grpc-status-details-bin', all)
    }
    return { code, details, metadata }
  }
  const serverSideSessionId = (): string => `incarnation-${incarnation}`
  /** Fails a call of a session that a former server knew. */
  const refusal = (request: Record<string, unknown>): object | null => {
    const seen = request.clientObservedServerSideSessionId
    return seen && seen !== serverSideSessionId() ? failureOf(gone('SESSION_CHANGED')) : null
  }
  const stream = (call: Call, operation: Operation, from: number): void => {
    const { script, answers } = operation
    const cut = script.cuts?.[operation.streams++]
    const until = Math.min(from + (cut?.after ?? answers.length), answers.length)
    for (let n = from; n < until; n++) {
      call.write({
        ...answers[n],
        responseId: `r${n + 1}`,
        serverSideSessionId: serverSideSessionId(),
      })
    }
    if (cut?.how === 'hang' || (cut === undefined && script.endless)) return
    if (cut === undefined || cut.how === 'end') call.end()
    else call.emit('error', failureOf(cut.how))
  }
  const unary =
    (name: string, answer: (request: Record<string, unknown>) => object) =>
    (call: Call, done: Done): void => {
      const { request } = call
      if (!['ReleaseExecute', 'Interrupt'].includes(name)) asked.push([name, request])
      const spoil = spoilt.get(name)
      if (spoil === 'hang') return
      const failure = spoil === undefined ? refusal(request) : failureOf(spoil)
      if (failure !== null) done(failure)
      else done(null, { ...answer(request), serverSideSessionId: serverSideSessionId() })
    }
  const service = loadPackageDefinition(definitions) as unknown as {
    spark: { connect: { SparkConnectService: { service: Parameters<Server['addService']>[0] } } }
  }
  const server = new Server({ 'grpc.max_receive_message_length': -1 })
  server.addService(service.spark.connect.SparkConnectService.service, {
    ExecutePlan: (call: Call) => {
      calls.push('execute')
      const { operationId, plan } = call.request as { operationId: string; plan: object }
      asked.push(['ExecutePlan', plan as Record<string, unknown>])
      const refused = refusal(call.request)
      if (refused !== null) return call.emit('error', refused)
      if (lost-- > 0) {
        return call.emit('error', failureOf({ code: status.UNAVAILABLE, message: 'gone' }))
      }
      if (operations.has(operationId)) {
        return call.emit('error', failureOf(gone('OPERATION_ALREADY_EXISTS')))
      }
      begun.push(operationId)
      const answers = next.endless ? next.answers : [...next.answers, { resultComplete: {} }]
      const operation = { script: next, answers, streams: 0, released: 0 }
      operations.set(operationId, operation)
      stream(call, operation, 0)
    },
    ReattachExecute: (call: Call) => {
      const { operationId, lastResponseId } = call.request as {
        operationId: string
        lastResponseId?: string
      }
      calls.push(`attach ${lastResponseId ?? '-'}`)
      const operation = operations.get(operationId)
      const refused = refusal(call.request)
      if (refused !== null) return call.emit('error', refused)
      if (operation === undefined) {
        return call.emit('error', failureOf(gone('OPERATION_NOT_FOUND')))
      }
      const from = Number(lastResponseId?.slice(1) ?? 0)
      if (from >= operation.released) return stream(call, operation, from)
      const errorClass = 'INVALID_CURSOR.POSITION_NOT_AVAILABLE'
      call.emit('error', failureOf({ errorClass, message: `[${errorClass}]` }))
    },
    ReleaseExecute: unary('ReleaseExecute', ({ operationId, releaseUntil }) => {
      const until = (releaseUntil as { responseId: string } | undefined)?.responseId
      calls.push(`release ${until ?? 'all'}`)
      const operation = operations.get(operationId as string)
      if (until === undefined) operations.delete(operationId as string)
      else if (operation !== undefined) operation.released = Number(until.slice(1))
      return {}
    }),
    Interrupt: (call: Call, done: Done) => {
      calls.push('interrupt')
      unary('Interrupt', ({ operationId }) => ({ interruptedIds: [operationId] }))(call, done)
    },
    AnalyzePlan: unary('AnalyzePlan', () => ({ sparkVersion: { version } })),
    Config: unary('Config', () => ({})),
    FetchErrorDetails: unary(
      'FetchErrorDetails',
      ({ errorId }) => errors[Number((errorId as string).slice(1)) - 1] ?? {},
    ),
    ReleaseSession: unary('ReleaseSession', () => ({})),
  } as never)
  const port = await new Promise<number>((bound, failed) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, at) =>
      error === null ? bound(at) : failed(error),
    ),
  )
  return {
    url: `sc://127.0.0.1:${port}`,
    calls,
    asked,
    operations: begun,
    play: (script) => {
      next = script
      lost = script.lostBeginnings ?? 0
    },
    spoil: (method, how) => {
      if (how === null) spoilt.delete(method)
      else spoilt.set(method, how)
    },
    restart: () => {
      incarnation++
      operations.clear()
    },
    close: () => server.forceShutdown(),
  }
}

export const arrowAnswer = (table: Table): object => ({
  arrowBatch: { rowCount: table.numRows, data: Buffer.from(tableToIPC(table, 'stream')) },
})

/** Answers of so many batches of integers `n`, `each` rows a batch, counting on. */
export function countingAnswers(batches: number, each = 3): object[] {
  return Array.from({ length: batches }, (_, batch) =>
    arrowAnswer(
      tableFromArrays({ n: Int32Array.from({ length: each }, (_, row) => batch * each + row) }),
    ),
  )
}

/** One answer as several, each with a part of its bytes. */
export function chunked(answer: object, chunks: number): object[] {
  const { arrowBatch } = answer as { arrowBatch: { rowCount: number; data: Buffer } }
  const size = Math.ceil(arrowBatch.data.length / chunks)
  return Array.from({ length: chunks }, (_, chunkIndex) => ({
    arrowBatch: {
      rowCount: arrowBatch.rowCount,
      data: arrowBatch.data.subarray(chunkIndex * size, (chunkIndex + 1) * size),
      chunkIndex,
      numChunksInBatch: chunks,
    },
  }))
}
