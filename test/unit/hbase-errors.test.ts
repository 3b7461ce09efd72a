import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPassing } from '../../infra/hbase/errors.ts'

const thrown = (name: string): object => ({
  exceptionClassName: `org.apache.hadoop.hbase.${name}`,
})

describe('hbase: errors', () => {
  it('pass when a region or its server is on the move', () => {
    const names = ['NotServingRegionException', 'exceptions.RegionMovedException']
    // What a scan hears whose region closes while the server reads a page.
    names.push('UnknownScannerException', 'exceptions.ScannerResetException')
    for (const name of names) assert.ok(isPassing(thrown(name)), name)
    assert.ok(isPassing('timedout'))
  })

  it('do not pass when the call itself is wrong', () => {
    for (const name of ['TableNotFoundException', 'regionserver.NoSuchColumnFamilyException']) {
      assert.ok(!isPassing(thrown(name)), name)
    }
  })
})
