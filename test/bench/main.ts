// `npm run bench`: every figure of docs/benchmarks.md, or those named: `npm run bench -- ingest query`.
import { createReport, type Report } from './report.ts'

const SCENARIOS: Readonly<Record<string, () => Promise<{ run(report: Report): Promise<void> }>>> = {
  ingest: () => import('./http-ingest.ts'),
  import: () => import('./import-million.ts'),
  kernel: () => import('./train-kernel-figure.ts'),
  train: () => import('./train-shop.ts'),
  query: () => import('./query-http.ts'),
  scorer: () => import('./scorer-figure.ts'),
  fresh: () => import('./freshness.ts'),
  replay: () => import('./replay.ts'),
  cluster: () => import('./cluster.ts'),
  accuracy: () => import('./accuracy-figure.ts'),
}

const asked = process.argv.slice(2)
const unknown = asked.find((name) => !(name in SCENARIOS))
if (unknown !== undefined) {
  process.stderr.write(
    `there is no bench ${unknown}; there are ${Object.keys(SCENARIOS).join(', ')}\n`,
  )
  process.exit(1)
}
const report = createReport()
for (const [name, load] of Object.entries(SCENARIOS)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  await (await load()).run(report)
}
