// Makes tables: the master's protocol, spoken as the region servers' is. HBase's own shell would need a Java of the user's.
import { connect, type Socket } from 'node:net'
import { errorName, lostConnection } from './errors.ts'
import { bytesOf, type Message, type MessageClass, protocolFile } from './library.ts'

export interface TableLayout {
  readonly name: string
  /** Of its one family: COMPRESSION, DATA_BLOCK_ENCODING, BLOOMFILTER, … */
  readonly attributes: Readonly<Record<string, string>>
  /** Start keys of its regions but the first. */
  readonly splits: readonly Buffer[]
}

const CALL_TIMEOUT_MS = 20_000
const FAMILY_NAME = 'e'

const masterFile = protocolFile('Master.proto')
const rpc = protocolFile('RPC.proto').build()

/** Makes the tables that are not there yet; resolves with all of them when the master has taken them. */
export async function createTables(
  master: string,
  user: string,
  layouts: readonly TableLayout[],
): Promise<readonly TableLayout[]> {
  const connection = connectMaster(master, user)
  try {
    const names = await connection.call('GetTableNames', {})
    const existing = new Set(
      (names.tableNames as readonly Message[]).map((name) => bytesOf(name.qualifier).toString()),
    )
    for (const layout of layouts) {
      if (!existing.has(layout.name)) await createTable(connection, layout)
    }
    return layouts
  } finally {
    connection.close()
  }
}

async function createTable(connection: MasterConnection, layout: TableLayout): Promise<void> {
  const attributes = Object.entries(layout.attributes).map(([name, value]) => ({
    first: Buffer.from(name),
    second: Buffer.from(value),
  }))
  try {
    await connection.call('CreateTable', {
      tableSchema: {
        tableName: { namespace: Buffer.from('default'), qualifier: Buffer.from(layout.name) },
        attributes: [],
        columnFamilies: [{ name: Buffer.from(FAMILY_NAME), attributes }],
      },
      splitKeys: layout.splits,
    })
  } catch (error) {
    // Another process was first.
    if (!/TableExists/.test(errorName(error))) throw error
  }
}

interface MasterConnection {
  call(method: string, request: object): Promise<Message>
  close(): void
}

interface Waiting {
  readonly answer: MessageClass
  readonly resolve: (message: Message) => void
  readonly reject: (error: unknown) => void
}

function connectMaster(address: string, user: string): MasterConnection {
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
        const { resolvedRequestType, resolvedResponseType } = masterFile.lookup(
          `MasterService.${method}`,
        )
        const callId = ++calls
        waiting.set(callId, { answer: resolvedResponseType.clazz, resolve, reject })
        const RequestHeader = rpc.RequestHeader as MessageClass
        const header = new RequestHeader({ callId, methodName: method, requestParam: true })
        const body = new resolvedRequestType.clazz(request)
        const parts = [header.encode().toBuffer(), body.encode().toBuffer()]
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
  call.resolve(call.answer.decode(frame.subarray(bodyAt, bodyAt + bodyLength)))
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
