import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentTelemetry, type Telemetry } from '#ports/telemetry'
import type { Watermark } from '#schemas/position'
import { createFreshnessMeter } from '../../infra/wiring/freshness-meter.ts'
import { createWatermarks } from '../../streams/watermarks.ts'
import { createManualClock } from '../support/memory/clock.ts'
import { createMemoryLog } from '../support/memory/log.ts'

const at = (...offsets: number[]): Watermark => ({ generation: 0, offsets })
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const VALUES = [new Uint8Array(1), new Uint8Array(1)]

function given() {
  const clock = createManualClock()
  const watermarks = createWatermarks({ partitions: 2, generation: 0, clock })
  const observed: string[] = []
  const telemetry: Telemetry = {
    ...silentTelemetry,
    emit: (metric, value, labels) => {
      observed.push(`${metric} ${value} ${JSON.stringify(labels)}`)
    },
  }
  const meter = createFreshnessMeter({ watermarks, clock, telemetry })
  return {
    clock,
    watermarks,
    meter,
    observed,
    log: meter.follow(createMemoryLog({ partitions: 2 })),
  }
}

describe('the freshness meter', () => {
  it('measures from the acknowledgement until each sink has applied the whole append', async () => {
    const { clock, watermarks, meter, observed, log } = given()
    await log.append(1, VALUES)
    clock.advance(3)
    watermarks.advance('store', at(0, 1))
    await turn()
    assert.deepEqual(observed, [])
    clock.advance(2)
    watermarks.advance('store', at(0, 2))
    await turn()
    clock.advance(2)
    watermarks.advance('index', at(0, 2))
    await turn()
    assert.deepEqual(observed, [
      'millrace_freshness_ms 5 {"sink":"store"}',
      'millrace_freshness_ms 7 {"sink":"index"}',
    ])
    assert.deepEqual(meter.figures(), {
      store: { p50: 5, p99: 5, samples: 1 },
      index: { p50: 7, p99: 7, samples: 1 },
    })
  })

  it('follows one append in a while', async () => {
    const { clock, watermarks, meter, log } = given()
    for (let i = 0; i < 100; i++) {
      await log.append(0, VALUES)
      clock.advance(1)
    }
    watermarks.advance('store', at(200, 0))
    await turn()
    assert.equal(meter.figures().store?.samples, 5)
  })

  it('gives the quantiles of the last five minutes', async () => {
    const { clock, watermarks, meter, log } = given()
    for (let i = 1; i <= 100; i++) {
      await log.append(0, VALUES)
      clock.advance(i === 100 ? 900 : 30)
      watermarks.advance('store', at(2 * i, 0))
      await turn()
    }
    assert.deepEqual(meter.figures().store, { p50: 30, p99: 30, samples: 100 })
    clock.advance(5 * 60_000 - 30)
    assert.deepEqual(meter.figures().store, { p50: 900, p99: 900, samples: 1 })
    clock.advance(100)
    assert.equal(meter.figures().store, null)
  })

  it('counts what takes too long as long, and what a stop cuts short not at all', async () => {
    const { clock, watermarks, meter, log } = given()
    await log.append(0, VALUES)
    clock.advance(60_000)
    await turn()
    assert.equal(meter.figures().store?.p99, 60_000)
    await log.append(0, VALUES)
    clock.advance(10)
    watermarks.close()
    await turn()
    assert.equal(meter.figures().store?.samples, 1)
  })
})
