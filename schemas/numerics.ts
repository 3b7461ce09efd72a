// Arithmetic that trainers and indexes must do alike to the last bit.

const bits = new Uint32Array(1)
const float = new Float32Array(bits.buffer)

/**
 * A weight as Elasticsearch's sparse vectors store it: a float32 with its low 15 bits cleared. Every weight of a model is
 * rounded so when the model is made; the embedded index and Elasticsearch then give the same scores.
 */
export function roundWeight(weight: number): number {
  float[0] = weight
  bits[0] = (bits[0] as number) & 0xffff8000
  return float[0] as number
}

/**
 * A positive number to a power. Not `**`: that is rounded differently by every library, while logarithm and exponential come from
 * one source (fdlibm) in JavaScript and in the JVM, so that a trainer in SQL has the same bits.
 */
export function power(base: number, exponent: number): number {
  return Math.exp(exponent * Math.log(base))
}

/** n ln n, with 0 for 0. */
export function xLogX(n: number): number {
  return n === 0 ? 0 : n * Math.log(n)
}

/**
 * Dunning's log-likelihood ratio of a pair from counts: `k11` users with both, `r` with the row's item, `c` with the
 * column's, `n` in all. 0 when the two are independent (decided in integers), and where rounding would leave less than 0.
 * The order of additions is part of the contract between the local and the Spark trainer.
 */
export function logLikelihoodRatio(k11: number, r: number, c: number, n: number): number {
  const k12 = r - k11
  const k21 = c - k11
  const k22 = n - r - c + k11
  if (k11 * k22 === k12 * k21) return 0
  const matrix = xLogX(k11) + xLogX(k12) + xLogX(k21) + xLogX(k22)
  const row = xLogX(r) + xLogX(n - r) - xLogX(n)
  const column = xLogX(c) + xLogX(n - c)
  return Math.max(0, 2 * (matrix - row - column))
}

/** True when the pair occurs together more often than chance would have it. */
export function occursMoreThanChance(k11: number, r: number, c: number, n: number): boolean {
  return k11 * (n - r - c + k11) > (r - k11) * (c - k11)
}
