// What a server is to this folder: where it comes from, how it is set up, started, asked for its health and stopped. One file
// describes each (kafka.ts, redis.ts, …); everything else here works on these descriptions alone.

export type ServerName = 'redis' | 'kafka' | 'elasticsearch' | 'hdfs' | 'hbase' | 'spark'

/** Something to fetch once into the cache. Versions are pinned; the folder's name in the cache is a hash of this description. */
export type Artefact =
  | {
      readonly kind: 'jars'
      readonly name: string
      /** group:artefact:version of each; what they need comes along. */
      readonly roots: readonly string[]
      /** Digest of the fetched folder (artefact-digest.ts). */
      readonly sha256: string
    }
  | {
      readonly kind: 'archive'
      readonly name: string
      /** group:artefact:version:type, unpacked. */
      readonly coordinates: string
      readonly sha256: string
    }
  | {
      /** Some folders of a source archive from Python's registry. */
      readonly kind: 'python'
      readonly name: string
      readonly package: string
      readonly version: string
      readonly folders: readonly string[]
      readonly sha256: string
    }
  | {
      /** The distribution's own package with what it lacks of its dependencies; apt checks the signatures. */
      readonly kind: 'debian'
      readonly name: string
      readonly package: string
      /** An executable of this name on the PATH is taken instead. */
      readonly executable: string
    }

/** Ports by `server.use`, such as `kafka.client`. */
export type Ports = Readonly<Record<string, number>>

/** Where a server is set up, and with what. All paths are absolute. */
export interface Place {
  readonly folder: string
  /** Folders in the cache by the artefact's name; empty for a server that is only looked at. */
  readonly artefacts: ReadonlyMap<string, string>
  /** The java executable; empty for a server that needs none. */
  readonly java: string
  readonly ports: Ports
}

export interface ServerProcess {
  readonly name: string
  /** Processes, also of other servers, that must be healthy before. */
  readonly after: readonly string[]
  /** Files to write before each start, by path. */
  readonly files: Readonly<Record<string, string>>
  /** Empty folders that must be there. */
  readonly folders: readonly string[]
  /** Run once, until `unless` exists. */
  readonly prepare?: { readonly unless: string; readonly command: readonly string[] }
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** The command ends when the server is up, and has written the server's process id here. */
  readonly pidFile?: string
  /** Log files beside standard output. */
  readonly logs: readonly string[]
  /** Where its clients reach it. */
  readonly address: string
  readonly healthy: () => Promise<boolean>
  /** Longest time until it is healthy, on a busy machine. */
  readonly startMs: number
  /** Longest time for a clean stop; after it the process is killed. */
  readonly stopMs: number
}

export interface Server {
  readonly name: ServerName
  readonly title: string
  readonly artefacts: readonly Artefact[]
  /** Lowest version of Java; null: none. */
  readonly java: number | null
  /** Refuses to run as root: its folder then belongs to the user `nobody`, and so does the process. */
  readonly neverRoot: boolean
  readonly ports: Ports
  readonly processes: (place: Place) => readonly ServerProcess[]
  /** Its keys in millrace.toml. */
  readonly settings: (ports: Ports) => Readonly<Record<string, string>>
}

export interface Environment {
  readonly PATH?: string | undefined
  readonly JAVA_HOME?: string | undefined
  readonly XDG_CACHE_HOME?: string | undefined
  readonly [name: string]: string | undefined
}

/** What this folder needs from outside: the machine's environment, a clock, and somebody to tell of its progress. */
export interface Host {
  readonly environment: Environment
  readonly clock: {
    monotonic(): number
    sleep(ms: number): Promise<void>
  }
  readonly say: (line: string) => void
}

/** The port of this name. @throws Error when the description forgot to declare it */
export function portOf(ports: Ports, name: string): number {
  const port = ports[name]
  if (port === undefined) throw new Error(`no port is named ${name}`)
  return port
}
