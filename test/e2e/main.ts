// `npm run test:process`: the tests that start processes of their own. Named files instead of all: node test/e2e/main.ts FILE…
import { globSync } from 'node:fs'
import { runFiles } from '../support/run-files.ts'

const named = process.argv.slice(2)
const patterns = named.length > 0 ? named : ['test/{e2e,compat}/**/*.test.ts']
if (!(await runFiles(globSync(patterns).sort()))) process.exitCode = 1
