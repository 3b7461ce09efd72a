// Runs test files one after another, each in a process of its own. They start, load and kill processes on few cores: a file in
// which something fails is told and run once more, and what fails twice has failed.
import { relative } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

const FILE_MS = 30 * 60_000

/** False when something failed twice. Prints what `node --test` would, and how long each file took. */
export async function runFiles(files: readonly string[]): Promise<boolean> {
  if (files.length === 0) throw new Error('there are no test files')
  const failed = await runOnce(files)
  if (failed.length === 0) return true
  say(`FAILED, and run once more: ${failed.join(', ')}`)
  const again = await runOnce(failed)
  if (again.length > 0) say(`FAILED twice: ${again.join(', ')}`)
  return again.length === 0
}

/** The files in which something failed. */
async function runOnce(files: readonly string[]): Promise<readonly string[]> {
  const times = new Map<string, number>()
  const failed = new Set<string>()
  const tests = run({ files: [...files], concurrency: 1, timeout: FILE_MS })
  // Each file is told as a test of its own, named by its path.
  tests.on('test:complete', ({ name, details }) => {
    const path = relative('.', name)
    if (files.includes(path)) times.set(path, details.duration_ms)
  })
  tests.on('test:fail', ({ file, name }) => void failed.add(relative('.', file ?? name)))
  await new Promise((ended) =>
    tests.compose(new spec()).on('end', ended).pipe(process.stdout, { end: false }),
  )
  for (const [file, ms] of times) say(`${seconds(ms).padStart(8)}  ${file}`)
  return [...failed]
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
