// The scorer alone on a million items, by `scorer.ts`: history of 50 ids and one field filter.
import type { Report } from './report.ts'
import { script } from './script.ts'

export async function run(report: Report): Promise<void> {
  const output = await script('scorer.ts', ['1000000'])
  for (const name of ['history 50, a field filter', 'history 50 of popular ids, a field filter']) {
    const line = output.split('\n').find((text) => text.includes(name)) ?? ''
    const [, postings, p50, p99, cpu] =
      /postings\s+(\d+)\s+p50 ([\d.]+) ms\s+p99 ([\d.]+) ms\s+CPU (\d+)/.exec(line) ?? []
    report.add({
      name: `scorer, 1 M items, ${name.includes('popular') ? 'popular ids' : 'mixed ids'}`,
      value: `p50 ${p50} ms, p99 ${p99} ms`,
      cost: `${cpu} µs CPU, ${postings} postings a query`,
      target: 'p50 < 2 ms at up to 50 k postings',
      reached: Number(p50) < 2 && Number(postings) <= 50_000,
    })
  }
}
