// What the computed rankings say of targets, whether they are items of the model or become so by being ranked.
import type { UniversalParams } from '#schemas/engines/universal'
import { ranksForeignTargets } from '#schemas/engines/universal-quirks'
import type { RankingValues } from '#schemas/model'
import type { TrainingData } from './training-data.ts'

/** Numbers of the targets that a ranking knows and that may be recommended. */
export function rankedTargets(data: TrainingData, params: UniversalParams): number[] {
  const candidates = new Uint8Array(data.targets.size).fill(ranksForeignTargets(params) ? 1 : 0)
  const primary = data.pairs[0]?.target ?? new Uint32Array()
  for (let p = 0; p < primary.length; p++) candidates[primary[p] as number] = 1
  for (const target of data.items) candidates[target] = 1
  const ranked: number[] = []
  for (let target = 0; target < candidates.length; target++) {
    if (candidates[target] === 0) continue
    const known = data.rankings.some(
      ({ counter }) => !Number.isNaN(counter.value(target, data.targets.text(target))),
    )
    if (known) ranked.push(target)
  }
  return ranked
}

/** Values of each ranking, in the order of `targets`. */
export function rankingValues(data: TrainingData, targets: Uint32Array): RankingValues[] {
  return data.rankings.map(({ ranking, counter }) => ({
    name: ranking.name,
    type: ranking.type,
    values: Float64Array.from(targets, (target) =>
      counter.value(target, data.targets.text(target)),
    ),
  }))
}
