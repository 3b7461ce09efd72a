// The text of an answer, written by hand: scores are float32 and are printed as such.
import type { Recommendation } from './recommend.ts'

/** `{"itemScores":[{"item":"…","score":0.18232156},…]}`; `ranks` and `explanation` only where they were asked for. */
export function writeAnswer({ hits, explanations }: Recommendation, withRanks: boolean): string {
  let text = '{"itemScores":['
  for (let i = 0; i < hits.length; i++) {
    const hit = hits[i] as Recommendation['hits'][number]
    text += `${i === 0 ? '' : ','}{"item":${JSON.stringify(hit.item)},"score":${floatText(hit.score)}`
    if (withRanks && hit.ranks !== null) text += `,"ranks":${JSON.stringify(hit.ranks)}`
    if (explanations !== null) text += `,"explanation":${JSON.stringify(explanations[i])}`
    text += '}'
  }
  return `${text}]}`
}

/** The fewest digits (at least seven) that give this float32 again, as the Universal Recommender prints its scores. */
export function floatText(score: number): string {
  // Boosts without measure overflow; JSON has no infinity.
  if (score === Number.POSITIVE_INFINITY) return FLOAT_MAX
  if (Number.isInteger(score) && score < 1e21) return `${score}.0`
  for (let digits = 7; digits < 9; digits++) {
    const short = Number(score.toPrecision(digits))
    if (Math.fround(short) === score) return String(short)
  }
  return String(Number(score.toPrecision(9)))
}

const FLOAT_MAX = '3.4028235e+38'
