import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { importsOf, reachable, withoutComments } from '../support/source-tree.ts'

describe('source tree', () => {
  it('finds static, type, side-effect, dynamic and re-exporting imports and worker entries', () => {
    const code = [
      "import { a } from './a.ts'",
      "import type { B } from '#schemas/b'",
      "import '../c.ts'",
      "const d = await import('./d/d.ts')",
      "export { e } from '#ports/e'",
      "type F = import('./f.ts').F",
      "new Worker(new URL('./g-worker.ts', import.meta.url))",
      'import {\n  h,\n} from "./h.ts"',
      "import fs from 'node:fs'",
    ].join('\n')
    assert.deepEqual(importsOf('batch/x.ts', code), [
      ...['batch/a.ts', 'schemas/b.ts', 'c.ts', 'batch/d/d.ts', 'infra/ports/e.ts'],
      ...['batch/f.ts', 'batch/g-worker.ts', 'batch/h.ts'],
    ])
  })

  it('blanks comments but not what looks like one in a string', () => {
    const text = "a // b\n/* c\nd */ 'http://e' // f"
    assert.equal(withoutComments(text), "a     \n    \n     'http://e'     ")
  })

  it('follows imports over any number of files, also in a circle', () => {
    const file = (path: string, ...imports: string[]): Parameters<typeof reachable>[0][number] => ({
      path,
      text: '',
      code: '',
      imports,
    })
    const files = [file('a', 'b'), file('b', 'c'), file('c', 'a', 'gone'), file('d', 'a')]
    assert.deepEqual([...reachable(files, ['a'])].sort(), ['a', 'b', 'c'])
  })
})
