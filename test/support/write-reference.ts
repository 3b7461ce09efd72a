// Writes the pages of docs/reference that are made from the code.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { REFERENCE_PAGES } from './reference-pages.ts'
import { ROOT } from './source-tree.ts'

for (const { path, text } of REFERENCE_PAGES) {
  writeFileSync(join(ROOT, path), text)
  console.log(`wrote ${path}`)
}
