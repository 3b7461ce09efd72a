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

/**
 * The fewest digits (at least seven) that give this float32 again, as the Universal Recommender prints its scores.
 * Integers over powers of ten instead of `toPrecision`: an answer has twenty scores, and this takes a fifth of the time.
 */
export function floatText(score: number): string {
  // Boosts without measure overflow; JSON has no infinity.
  if (score === Number.POSITIVE_INFINITY) return FLOAT_MAX
  if (Number.isInteger(score) && score < 1e21) return `${score}.0`
  const exponent = Math.floor(Math.log10(score))
  for (let digits = 7; digits < 9; digits++) {
    const short = decimal(score, digits, exponent)
    if (Math.fround(short) === score) return String(short)
  }
  return String(decimal(score, 9, exponent))
}

/** Powers of ten that are doubles without error. */
const POWERS = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`))

/** The double nearest to a number rounded to so many digits; `exponent` is that of its first digit. */
function decimal(value: number, digits: number, exponent: number): number {
  const power = POWERS[digits - 1 - exponent]
  return power === undefined ? Number(value.toPrecision(digits)) : Math.round(value * power) / power
}

const FLOAT_MAX = '3.4028235e+38'
