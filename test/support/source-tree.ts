// The repository's own files, and which of them import which, for the tests that check its order.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Top-level folders that hold source, besides `test`. */
export const SOURCE_FOLDERS = ['schemas', 'ingest', 'streams', 'batch', 'serving', 'infra'] as const

export interface SourceFile {
  /** Path below the root, with `/`. */
  readonly path: string
  readonly text: string
  /** The text with comments blanked out; line numbers stay. */
  readonly code: string
  /** Paths below the root of the files of ours that it imports or names as a worker's entry. */
  readonly imports: readonly string[]
}

/** Files below a folder of the repository, sorted; hidden ones and installed packages are left out. */
export function filesBelow(folder: string): string[] {
  const root = join(ROOT, folder)
  if (!existsSync(root)) return []
  return readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter(
      (path) => !path.split('/').some((part) => part.startsWith('.') || part === 'node_modules'),
    )
    .sort()
}

export const readText = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** All TypeScript files of source and tests. */
export function sourceFiles(): SourceFile[] {
  return [...SOURCE_FOLDERS, 'test']
    .flatMap((folder) => filesBelow(folder))
    .filter((path) => path.endsWith('.ts'))
    .map((path) => {
      const text = readText(path)
      const code = withoutComments(text)
      return { path, text, code, imports: importsOf(path, code) }
    })
}

const IMPORT =
  /\b(?:from|import)\s*\(?\s*(['"])([^'"\n]+)\1|\bnew URL\(\s*(['"])([^'"\n]+\.ts)\3\s*,\s*import\.meta\.url/g

/** Static, dynamic and re-exporting imports, and `new URL('./x.ts', import.meta.url)`. */
export function importsOf(path: string, code: string): string[] {
  const found = new Set<string>()
  for (const match of code.matchAll(IMPORT)) {
    const target = resolve(path, (match[2] ?? match[4]) as string)
    if (target !== null) found.add(target)
  }
  return [...found]
}

function resolve(from: string, specifier: string): string | null {
  const [, alias, rest] = /^#(schemas|ports)\/(.+)$/.exec(specifier) ?? []
  if (alias !== undefined) return `${alias === 'ports' ? 'infra/ports' : alias}/${rest}.ts`
  if (!specifier.startsWith('.')) return null
  return join(dirname(from), specifier).split(sep).join('/')
}

const COMMENT_OR_STRING =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`/g

/** Blanks comments out. Knows strings, so that `//` in one is none; regular expressions with quotes may confuse it. */
export function withoutComments(text: string): string {
  return text.replace(COMMENT_OR_STRING, (part) =>
    part.startsWith('/') ? part.replace(/[^\n]/g, ' ') : part,
  )
}

/** Paths that can be reached from the entries over imports. */
export function reachable(files: readonly SourceFile[], entries: Iterable<string>): Set<string> {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const seen = new Set<string>()
  const open = [...entries]
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const file = byPath.get(path)
    if (file === undefined || seen.has(path)) continue
    seen.add(path)
    open.push(...file.imports)
  }
  return seen
}
