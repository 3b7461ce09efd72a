// Factors as Spark sends them: rows `id int, features array<float>`, of which no objects are made.
import type { Data } from 'apache-arrow'
import type { FactorBatch } from '#ports/factor-training'
import type { Arrow } from './arrow-rows.ts'

/** The batches of an Arrow stream; empty ones are left out. */
export function* decodeFactors(arrow: Arrow, stream: Uint8Array): Generator<FactorBatch> {
  for (const { data, numRows } of arrow.RecordBatchReader.from(stream)) {
    if (numRows === 0) continue
    const [ids, features] = data.children as [Data, Data]
    const offsets = features.valueOffsets as Int32Array
    const values = features.children[0]?.values as Float32Array
    yield {
      ids: (ids.values as Int32Array).subarray(0, numRows),
      factors: values.subarray(offsets[0], offsets[numRows]),
    }
  }
}
