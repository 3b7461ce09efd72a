// A small client over kept-alive connections, as an application would hold one.
import { Agent, request } from 'node:http'

export interface Reply {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: unknown
}

export interface Client {
  post(url: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Reply>
  close(): void
}

export function createClient(): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  return {
    post: (url, body, headers = {}) => send(agent, url, JSON.stringify(body), headers),
    close: () => agent.destroy(),
  }
}

function send(
  agent: Agent,
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const length = String(Buffer.byteLength(body))
    const all = { 'content-type': 'application/json', 'content-length': length, ...headers }
    const outgoing = request(url, { agent, method: 'POST', headers: all }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const parsed: unknown = text === '' ? null : JSON.parse(text)
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: parsed })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
