// Durations as Scala writes them, which is what engine.json files hold: "3650 days", "12 hours", "30 min".

const UNITS: Readonly<Record<string, number>> = {
  d: 86_400_000,
  day: 86_400_000,
  h: 3_600_000,
  hr: 3_600_000,
  hour: 3_600_000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  s: 1000,
  sec: 1000,
  second: 1000,
  ms: 1,
  milli: 1,
  millisecond: 1,
}

/** Milliseconds of a duration, cut to whole seconds as the rankings of old did; null when it is none or not above 0. */
export function parseDuration(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*$/.exec(text)
  if (match === null) return null
  const word = match[2] ?? ''
  const unit = UNITS[word] ?? (word.length > 2 ? UNITS[word.replace(/s$/, '')] : undefined)
  if (unit === undefined) return null
  const seconds = Math.floor((Number(match[1]) * unit) / 1000)
  return seconds > 0 && Number.isSafeInteger(seconds * 1000) ? seconds * 1000 : null
}
