// How commands print. PredictionIO's lines (`[INFO] [App$] …`) go to standard output, where scripts read them.
import type { Json } from '#schemas/json'

/** PredictionIO's form of a console line. */
export function info(source: string, ...lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`[INFO] [${source}] ${line}\n`)
}

/** A line of ours, for people. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`)
}

export function printJson(value: Json): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

/** Rows under a header, columns padded to their widest cell. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((name, i) =>
    Math.max(name.length, ...rows.map((row) => (row[i] ?? '').length)),
  )
  return [header, ...rows]
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** 1234567 → 1,234,567 */
export function grouped(n: number): string {
  return Math.round(n).toLocaleString('en-US')
}
