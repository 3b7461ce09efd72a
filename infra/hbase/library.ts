// hbase-rpc-client, mended for HBase 2 and for the Node.js of today. Only its connections, their framing, its protocol files
// and its ZooKeeper watch are used; its operations are not, because they truncate scans, look up regions by a call that
// HBase 2 does not have, and lose calls when a server dies.
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)
// protobufjs is the library's own copy: both must see one set of classes.
const requireThere = createRequire(require.resolve('hbase-rpc-client'))

/** A message class of protobufjs 2, as far as it is used. */
export interface MessageClass {
  new (fields: object): { encode(): { toBuffer(): Buffer }; toBuffer(): Buffer }
  decode(bytes: Buffer): Message
}

/** A decoded message: fields in camel case; bytes are `ByteBuffer`s and 64-bit numbers `Long`s. */
export type Message = Readonly<Record<string, unknown>>

interface ByteBuffer {
  toBuffer(): Buffer
}

interface ProtoBuf {
  convertFieldsToCamelCase: boolean
  readonly Util: {
    fetch(path: string, callback?: (text: string) => void): string | undefined
  }
  loadProtoFile(path: string): {
    build(): Record<string, MessageClass>
    lookup(name: string): {
      readonly resolvedRequestType: { readonly clazz: MessageClass }
      readonly resolvedResponseType: { readonly clazz: MessageClass }
    }
  }
}

const protoBuf = requireThere('protobufjs') as ProtoBuf
protoBuf.convertFieldsToCamelCase = true
addMissingFields(protoBuf)

const protocolFiles = join(dirname(require.resolve('hbase-rpc-client')), 'proto')

/** Reads one of the library's protocol files (`Master.proto`). */
export function protocolFile(name: string): ReturnType<ProtoBuf['loadProtoFile']> {
  return protoBuf.loadProtoFile(join(protocolFiles, name))
}

/** Fields of HBase 2 that scans need; the library's protocol file is older. */
function addMissingFields(library: ProtoBuf): void {
  const fetch = library.Util.fetch
  const added: Readonly<Record<string, string>> = {
    'message ScanResponse {': 'optional bool more_results_in_region = 8;',
    'message Scan {': 'optional bool include_start_row = 21;',
  }
  library.Util.fetch = (path, callback) => {
    let text = String(fetch(path))
    if (path.endsWith('/Client.proto')) {
      for (const [message, field] of Object.entries(added)) {
        text = text.replace(message, `${message} ${field}`)
      }
    }
    if (callback === undefined) return text
    callback(text)
    return undefined
  }
}

type Done = (error: unknown, response?: Message) => void

/** What the library's `Connection` is, as far as it is used. */
export interface RawConnection {
  readonly socket: Socket
  readonly out: { writeDelimitedBuffers(...buffers: Buffer[]): unknown }
  readonly rpc: Record<string, (request: object, done: Done) => void>
  readonly _callTimeout: number
  callId: number
  closed?: boolean
  calls: Record<string, { complete(error: unknown): void }>
  once(event: 'connect' | 'close', listener: () => void): void
  emit(event: 'close'): void
  _handleClose(): void
}

interface RawConnectionClass {
  new (options: {
    host: string
    port: number
    callTimeout: number
    tcpNoDelay: boolean
    tcpKeepAlive: boolean
    effectiveUser: string
  }): RawConnection
  readonly prototype: RawConnection & { _handleError(): void }
}

interface RawStream {
  processMessage(message: Buffer): void
  processData(data?: Buffer): void
  pending?: Buffer[]
  pendingBytes?: number
}

export const Connection = require('hbase-rpc-client/lib/connection') as RawConnectionClass
const DataInputStream = require('hbase-rpc-client/lib/data-input-stream') as {
  readonly prototype: RawStream
}

/** Calls under way end at once when their connection does: the library leaves them to their time-out. */
Connection.prototype._handleClose = function (this: RawConnection) {
  if (this.closed === true) return
  this.closed = true
  this.socket.destroy()
  const { calls } = this
  this.calls = {}
  const { host, port } = (this as unknown as { address: { host: string; port: number } }).address
  const error = Object.assign(new Error(`the connection to ${host}:${port} ended`), {
    name: 'ConnectionClosed',
  })
  for (const call of Object.values(calls)) call.complete(error)
  this.emit('close')
}
Connection.prototype._handleError = function (this: RawConnection) {
  this._handleClose()
}

/** Gathers chunks instead of copying everything that was received with every chunk. */
DataInputStream.prototype.processData = function (this: RawStream, data?: Buffer) {
  if (data === undefined) return
  this.pending ??= []
  const { pending } = this
  pending.push(data)
  let bytes = (this.pendingBytes ?? 0) + data.length
  while (bytes >= 4) {
    let [first = Buffer.alloc(0)] = pending
    if (first.length < 4) {
      first = Buffer.concat(pending)
      pending.splice(0, pending.length, first)
    }
    const needed = 4 + first.readUInt32BE(0)
    if (bytes < needed) break
    const all = pending.length === 1 ? first : Buffer.concat(pending)
    pending.length = 0
    bytes -= needed
    if (all.length > needed) pending.push(all.subarray(needed))
    this.processMessage(all.subarray(4, needed))
  }
  this.pendingBytes = bytes
}

interface ZooKeeperWatcher {
  watch(path: string, listener: (error: unknown, value?: Buffer) => void): void
  unWatch(path: string): void
  close(): void
  readonly zk?: { close(): void }
}

/** The library's ZooKeeper client: connects again by itself. */
export function createZooKeeper(hosts: readonly string[], root: string): ZooKeeperWatcher {
  const Watcher = requireThere('zookeeper-watcher') as new (options: object) => ZooKeeperWatcher
  return new Watcher({ hosts, root })
}

const zooKeeperMessages = protocolFile('ZooKeeper.proto').build()
const MAGIC = 255

/** The host and port in a znode of HBase's (`/meta-region-server`, `/master`); null when it is something else. */
export function decodeServer(
  znode: Buffer,
  message: 'MetaRegionServer' | 'Master',
): { readonly host: string; readonly port: number } | null {
  if (znode[0] !== MAGIC) return null
  // Magic byte, length of an id, the id, the letters PBUF, then the message.
  const body = znode.subarray(1 + 4 + znode.readUInt32BE(1) + 4)
  const decoded = (zooKeeperMessages[message] as MessageClass).decode(body)
  const server = (message === 'Master' ? decoded.master : decoded.server) as
    | { readonly hostName: string; readonly port: number }
    | undefined
  return server ? { host: server.hostName, port: server.port } : null
}

export const clientMessages = protocolFile('Client.proto').build()

const rpcMessages = protocolFile('RPC.proto').build()
const Call = require('hbase-rpc-client/lib/call') as new (
  responseClass: MessageClass,
  header: object,
  timeoutMs: number,
  done: Done,
) => RawConnection['calls'][string]

/** Makes a call of the client service whose request was encoded already, as the library makes its own. */
export function callEncoded(
  connection: RawConnection,
  { method, response }: { readonly method: string; readonly response: string },
  request: Buffer,
  done: Done,
): void {
  const callId = connection.callId++
  const RequestHeader = rpcMessages.RequestHeader as MessageClass
  const header = new RequestHeader({ callId, requestParam: true, methodName: method })
  connection.out.writeDelimitedBuffers(header.toBuffer(), request)
  const responseClass = clientMessages[response] as MessageClass
  connection.calls[callId] = new Call(responseClass, header, connection._callTimeout, done)
}

/** The bytes of a field; empty when it is not there. */
export function bytesOf(field: unknown): Buffer {
  return field === null || field === undefined ? Buffer.alloc(0) : (field as ByteBuffer).toBuffer()
}

/** A 64-bit number; Millrace's own never pass 2^53. */
export function numberOf(field: unknown): number {
  return typeof field === 'number' ? field : (field as { toNumber(): number }).toNumber()
}
