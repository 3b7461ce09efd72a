// Where each port of DESIGN lives, as one URL, and the schemes that this version has an implementation for.
export const SCHEMES = {
  log: ['lmdb:', 'kafka:'],
  store: ['lmdb:', 'hbase:'],
  index: ['arrays:', 'http:', 'https:'],
  files: ['file:', 'hdfs:'],
  queue: ['lmdb:', 'redis:'],
  batch: ['worker:', 'sc:'],
} as const

export type PortName = keyof typeof SCHEMES
export type PortUrls = Readonly<Record<PortName, string>>
export type Scheme<P extends PortName> = (typeof SCHEMES)[P][number]

/** Schemes of what lies in the data folder of this process: nothing follows them, but a path where others share the files. */
const EMBEDDED: ReadonlySet<string> = new Set(['lmdb:', 'arrays:', 'file:', 'worker:'])

/** One process, one data folder, no servers. */
export const EMBEDDED_PORTS: PortUrls = {
  log: 'lmdb:',
  store: 'lmdb:',
  index: 'arrays:',
  files: 'file:',
  queue: 'lmdb:',
  batch: 'worker:',
}

/** The scheme of a port's URL; null when this version has no implementation for it. */
export function schemeOf<P extends PortName>(port: P, url: string): Scheme<P> | null {
  const schemes: readonly string[] = SCHEMES[port]
  const found = schemes.find((scheme) =>
    EMBEDDED.has(scheme)
      ? url === scheme || (scheme === 'file:' && url.startsWith('file:///'))
      : url.startsWith(`${scheme}//`),
  )
  return (found as Scheme<P> | undefined) ?? null
}
