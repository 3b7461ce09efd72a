// Sends a recorded request to a server and compares its reply with the recorded one: status, the headers that clients look
// at, and the body by values, where a number is its text (`5.0` is not `5`).
import { request as httpRequest } from 'node:http'
import type { ContractCase } from './contract-case.ts'

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Difference {
  readonly what: string
  readonly recorded: string
  readonly found: string
}

export type Variables = Map<string, string>

const HEADERS = [
  'content-type',
  'allow',
  'www-authenticate',
  'location',
  'content-encoding',
  'access-control-allow-origin',
]

/** Puts variables and `${basic:text}` into a text of the recording. */
function expand(text: string, variables: Variables): string {
  let expanded = text
  // Twice, since a variable may stand inside `${basic:…}`.
  for (let round = 0; round < 2; round++) {
    expanded = expanded.replace(/\$\{(\w+)\}/g, (whole, name: string) => {
      return variables.get(name) ?? whole
    })
  }
  return expanded.replace(/\$\{basic:([^}]*)\}/g, (_, plain: string) => {
    return Buffer.from(plain).toString('base64')
  })
}

function bodyBytes({ request }: ContractCase, variables: Variables): Buffer | null {
  const { bodyGen, bodyHex, body } = request
  if (bodyGen !== undefined) {
    return Buffer.from(bodyGen.prefix + bodyGen.fill.repeat(bodyGen.count) + bodyGen.suffix)
  }
  if (bodyHex !== undefined) return Buffer.from(bodyHex, 'hex')
  return body === undefined || body === null ? null : Buffer.from(expand(body, variables))
}

/** Sends the request to the server at this port. A server may answer and hang up before it has read the whole body. */
export function send(port: number, its: ContractCase, variables: Variables): Promise<Reply> {
  const { method, path, query, headers, chunked, rawQuestion } = its.request
  const target = expand(query ? `${path}?${query}` : rawQuestion ? `${path}?` : path, variables)
  const body = bodyBytes(its, variables)
  const all = headers.map(([name, value]) => [name, expand(value, variables)] as const)
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      host: '127.0.0.1',
      port,
      method,
      path: target,
      agent: false,
      headers: Object.fromEntries(all),
    })
    let answered = false
    request.on('error', (error) => {
      if (!answered) reject(error)
    })
    request.on('response', (response) => {
      answered = true
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const kept = HEADERS.flatMap((name) => {
          const value = response.headers[name]
          return value === undefined ? [] : [[name, String(value)]]
        })
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(kept),
          body: Buffer.concat(chunks).toString('utf8'),
        })
        request.destroy()
      })
    })
    if (chunked !== true) {
      if (body !== null || ['POST', 'PUT', 'PATCH'].includes(method)) {
        request.setHeader('content-length', body?.length ?? 0)
      }
      request.end(body ?? undefined)
    } else {
      const bytes = body ?? Buffer.alloc(0)
      const half = bytes.length >> 1
      request.write(bytes.subarray(0, half))
      request.end(bytes.subarray(half))
    }
  })
}

/** Members of the reply that later requests name. */
export function capture(its: ContractCase, reply: Reply, variables: Variables): void {
  for (const [variable, member] of Object.entries(its.capture ?? {})) {
    try {
      const value = (JSON.parse(reply.body) as Record<string, unknown>)[member]
      if (typeof value === 'string') variables.set(variable, value)
    } catch {
      // No JSON: the comparison of this reply says so.
    }
  }
}

const EVENT_END = /(?<="creationTime":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")/
const TIME = '"(\\d{4,}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z)"'

/** Puts placeholders where a reply holds what differs from run to run: server times, keys, event ids made by the server. */
export function normalise(
  body: string,
  clientIds: ReadonlySet<string>,
  variables: Variables,
  now: number,
): string {
  const isNear = (time: string): boolean => Math.abs(Date.parse(time) - now) < 3_600_000
  const onePart = (part: string): string => {
    const created = new RegExp(`"creationTime":${TIME}`).exec(part)?.[1]
    if (created === undefined || !isNear(created)) return part
    return part
      .replace(new RegExp(`"eventTime":${TIME}`, 'g'), (whole, time: string) => {
        if (time === created) return '"eventTime":"<creationTime>"'
        return isNear(time) ? '"eventTime":"<now>"' : whole
      })
      .replace(`"creationTime":"${created}"`, '"creationTime":"<now>"')
  }
  let text = body.split(EVENT_END).map(onePart).join('')
  for (const [name, value] of variables) {
    if (name.startsWith('KEY_')) text = text.replaceAll(value, `\${${name}}`)
  }
  return text.replace(/"eventId":"([^"]*)"/g, (whole, id: string) => {
    return clientIds.has(id) ? whole : '"eventId":"<eventId>"'
  })
}

/** What differs between the recorded reply and one that `normalise` has worked over; null when nothing does. */
export function difference(recorded: Reply, found: Reply): Difference | null {
  const differs = (what: string, a: unknown, b: unknown): Difference | null =>
    a === b ? null : { what, recorded: String(a).slice(0, 400), found: String(b).slice(0, 400) }
  const status = differs('status', recorded.status, found.status)
  if (status) return status
  for (const name of HEADERS) {
    const header = differs(
      name,
      canonicalHeader(name, recorded.headers[name]),
      canonicalHeader(name, found.headers[name]),
    )
    if (header) return header
  }
  return differs('body', canonicalBody(recorded.body), canonicalBody(found.body))
}

function canonicalHeader(name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  if (name === 'allow') {
    return value
      .split(',')
      .map((method) => method.trim())
      .sort()
      .join(', ')
  }
  return name === 'content-type' ? value.toLowerCase().replaceAll(/\s*;\s*/g, ';') : value
}

/** JSON with numbers as their text, and with the members of `properties` in one order; any other text as it is. */
function canonicalBody(body: string): string {
  try {
    return JSON.stringify(sorted(JSON.parse(body, numberAsText as typeof plain), false))
  } catch {
    return body
  }
}

const plain = (_key: string, value: unknown): unknown => value

function numberAsText(
  _key: string,
  value: unknown,
  context: { readonly source?: string },
): unknown {
  return typeof value === 'number' ? { number: context.source } : value
}

function sorted(value: unknown, inProperties: boolean): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((element) => sorted(element, inProperties))
  const members = Object.entries(value)
  if (inProperties) members.sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(
    members.map(([key, member]) => [key, sorted(member, inProperties || key === 'properties')]),
  )
}
