// Addresses of brokers as kafkajs takes them. It cuts `host:port` at the first colon, so an IPv6 address goes through it under
// another name, which is translated back when a socket is made.
import { createRequire } from 'node:module'
import type { ISocketFactory } from 'kafkajs'

const DISGUISE = '.ipv6-literal'
const IPV6 = /^\[([0-9a-fA-F:.]+)\](:\d+)$/

/** `[::1]:9092` → `--1.ipv6-literal:9092`; all others stay. */
export function seedBroker(broker: string): string {
  const [, address, port] = IPV6.exec(broker) ?? []
  if (address === undefined) return broker
  return `${address.replaceAll(':', '-')}${DISGUISE}${port}`
}

/** The socket factory of kafkajs, for hosts that may be disguised. */
export function createSocketFactory(): ISocketFactory {
  const require = createRequire(import.meta.url)
  const original = (require('kafkajs/src/network/socketFactory') as () => ISocketFactory)()
  return (options) => original({ ...options, host: hostOf(options.host) })
}

function hostOf(host: string): string {
  return host.endsWith(DISGUISE) ? host.slice(0, -DISGUISE.length).replaceAll('-', ':') : host
}
