// A connection to the master: its protocol is framed as that of the region servers, and the library has no admin.
import { connect, type Socket } from 'node:net'
import { lostConnection } from './errors.ts'
import { type Message, type MessageClass, protocolFile } from './library.ts'

export interface MasterConnection {
  /** The answer of one of its methods, both as encoded messages. Rejects with what the master says. */
  call(method: string, request: Buffer): Promise<Buffer>
  close(): void
}

interface Waiting {
  readonly resolve: (answer: Buffer) => void
  readonly reject: (error: unknown) => void
}

const CALL_TIMEOUT_MS = 20_000

const rpc = protocolFile('RPC.proto').build()

export function connectMaster(address: string, user: string): MasterConnection {
  const at = address.lastIndexOf(':')
  const socket = connect({
    host: address.slice(0, at),
    port: Number(address.slice(at + 1)),
    noDelay: true,
  })
  const waiting = new Map<number, Waiting>()
  let calls = 0
  const failAll = (reason: string): void => {
    for (const { reject } of waiting.values()) reject(lostConnection(address, reason))
    waiting.clear()
  }
  socket.setTimeout(CALL_TIMEOUT_MS, () => socket.destroy(new Error('it does not answer')))
  socket.on('error', (error) => failAll(error.message))
  socket.on('close', () => failAll('the connection ended'))
  writeHeader(socket, user)
  readFrames(socket, (frame) => answer(frame, waiting))
  return {
    call: (method, request) =>
      new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(lostConnection(address, 'the connection ended'))
        const callId = ++calls
        waiting.set(callId, { resolve, reject })
        const RequestHeader = rpc.RequestHeader as MessageClass
        const header = new RequestHeader({ callId, methodName: method, requestParam: true })
        const parts = [header.encode().toBuffer(), request]
        const framed = parts.flatMap((part) => [varint(part.length), part])
        const length = Buffer.alloc(4)
        length.writeUInt32BE(framed.reduce((sum, part) => sum + part.length, 0))
        socket.write(Buffer.concat([length, ...framed]))
      }),
    close: () => socket.destroy(),
  }
}

/** The preamble of HBase's protocol: magic, version 0, simple authentication (80), then who we are. */
function writeHeader(socket: Socket, user: string): void {
  const ConnectionHeader = rpc.ConnectionHeader as MessageClass
  const header = new ConnectionHeader({
    serviceName: 'MasterService',
    userInfo: { effectiveUser: user },
  })
    .encode()
    .toBuffer()
  const length = Buffer.alloc(4)
  length.writeUInt32BE(header.length)
  socket.write(Buffer.concat([Buffer.from('HBas'), Buffer.from([0, 80]), length, header]))
}

function readFrames(socket: Socket, onFrame: (frame: Buffer) => void): void {
  let received = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
    while (received.length >= 4) {
      const end = 4 + received.readUInt32BE(0)
      if (received.length < end) return
      onFrame(received.subarray(4, end))
      received = received.subarray(end)
    }
  })
}

function answer(frame: Buffer, waiting: Map<number, Waiting>): void {
  const [length, at] = readVarint(frame, 0)
  const header = (rpc.ResponseHeader as MessageClass).decode(frame.subarray(at, at + length))
  const callId = header.callId as number
  const call = waiting.get(callId)
  waiting.delete(callId)
  if (call === undefined) return
  const exception = header.exception as Message | null
  if (exception) {
    call.reject(exception)
    return
  }
  const [bodyLength, bodyAt] = readVarint(frame, at + length)
  call.resolve(frame.subarray(bodyAt, bodyAt + bodyLength))
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128)
  bytes.push(rest)
  return Buffer.from(bytes)
}

function readVarint(bytes: Buffer, from: number): readonly [value: number, next: number] {
  let value = 0
  let at = from
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++] ?? 0
    value |= (byte & 127) << shift
    if (byte < 128) return [value, at]
  }
}
