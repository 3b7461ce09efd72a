// Loads gRPC with spark.proto, and makes the calls. Nothing is generated: the file is read when a session is opened.
import { fileURLToPath } from 'node:url'
import type { Client, MethodDefinition, ServiceError } from '@grpc/grpc-js'
import type { MessageTypeDefinition } from '@grpc/proto-loader'
import type { Clock } from '#ports/clock'
import type { SparkConfig } from '../config.ts'
import type { Answers, Asking, ExecutePlanResponse, SparkConnect } from './client.ts'
import { RpcFailure, type ToldByServer } from './errors.ts'

export const PROTO_FILE = fileURLToPath(new URL('./spark.proto', import.meta.url))

/** Messages as client.ts has them. */
export const PROTO_OPTIONS = { longs: Number, enums: String, defaults: true } as const

const PACKAGE = 'spark.connect'
const DETAILS_TRAILER = 'grpc-status-details-bin'

const CHANNEL = {
  // Answers hold whole batches of rows.
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  // A connection that died silently is noticed. The server allows it: it tells of progress more often than this.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 20_000,
  // Retries are ours (operation.ts).
  'grpc.enable_retries': 0,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2000,
}

interface Status {
  readonly details: readonly { readonly typeUrl: string; readonly value: Buffer }[]
}

interface ErrorInfo {
  readonly reason: string
  readonly metadata: Readonly<Record<string, string>>
}

type Method = MethodDefinition<object, object>

/** Makes no connection yet: the first call does. */
export async function loadSparkConnect(config: SparkConfig, clock: Clock): Promise<SparkConnect> {
  const [grpc, loader] = await Promise.all([import('@grpc/grpc-js'), import('@grpc/proto-loader')])
  const definitions = await loader.load(PROTO_FILE, PROTO_OPTIONS)
  const service = definitions[`${PACKAGE}.SparkConnectService`] as unknown as Record<string, Method>
  const client: Client = new grpc.Client(config.address, grpc.credentials.createInsecure(), CHANNEL)
  const failure = (error: unknown): RpcFailure => {
    const { code, details, metadata } = error as ServiceError
    const [status] = metadata?.get(DETAILS_TRAILER) ?? []
    return new RpcFailure(
      grpc.status[code] ?? 'UNKNOWN',
      (details || (error as Error).message).replace(/ Resolution note:.*/, ''),
      status instanceof Buffer ? errorInfo(status) : {},
    )
  }
  const message = <T>(name: string, bytes: Buffer): T =>
    (definitions[`${PACKAGE}.${name}`] as MessageTypeDefinition<object, object>).deserialize(
      bytes,
    ) as T
  const errorInfo = (status: Buffer): ToldByServer => {
    const { details } = message<Status>('Status', status)
    const detail = details.find(({ typeUrl }) => typeUrl.endsWith('/google.rpc.ErrorInfo'))
    if (detail === undefined) return {}
    const { reason, metadata } = message<ErrorInfo>('ErrorInfo', detail.value)
    return { ...metadata, exception: reason }
  }
  const method = (name: string): Method => service[name] as Method
  const unary =
    <Request extends Asking, Response extends object>(name: string) =>
    (request: Request, deadlineMs: number): Promise<Response> =>
      new Promise((resolve, reject) => {
        const { path, requestSerialize, responseDeserialize } = method(name)
        const options = { deadline: clock.now() + deadlineMs }
        const done = (error: ServiceError | null, response?: object): void => {
          if (error === null) resolve(response as Response)
          else reject(failure(error))
        }
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, options, done)
      })
  const streaming =
    (name: string) =>
    (request: Asking, deadlineMs: number): Answers => {
      const { path, requestSerialize, responseDeserialize } = method(name)
      const call = client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        { deadline: clock.now() + deadlineMs },
      )
      // Whoever iterates gets the error; when nobody does any more, it is of no use.
      call.on('error', () => {})
      return {
        cancel: () => call.cancel(),
        async *[Symbol.asyncIterator]() {
          try {
            yield* call as AsyncIterable<ExecutePlanResponse>
          } catch (error) {
            throw failure(error)
          } finally {
            call.cancel()
          }
        },
      }
    }
  return {
    executePlan: streaming('ExecutePlan'),
    reattachExecute: streaming('ReattachExecute'),
    releaseExecute: unary('ReleaseExecute'),
    interrupt: unary('Interrupt'),
    analyzePlan: unary('AnalyzePlan'),
    config: unary('Config'),
    fetchErrorDetails: unary('FetchErrorDetails'),
    releaseSession: unary('ReleaseSession'),
    close: () => client.close(),
  }
}
