// The query of a request's target, read as PredictionIO reads it: `+` is a space, names are case-sensitive, the first of
// several parameters of one name counts.

export interface Parameters {
  readonly values: ReadonlyMap<string, string>
  /** A percent sign without two digits, or bytes that are no UTF-8. */
  readonly malformed: boolean
}

/** Reads what stands behind the `?`. */
export function parseParameters(query: string): Parameters {
  const values = new Map<string, string>()
  let malformed = false
  let from = 0
  while (from < query.length) {
    let end = query.indexOf('&', from)
    if (end < 0) end = query.length
    if (end > from) {
      const equals = query.indexOf('=', from)
      const nameEnd = equals < 0 || equals > end ? end : equals
      const name = decode(query.slice(from, nameEnd))
      const value = decode(query.slice(Math.min(nameEnd + 1, end), end))
      if (name === null || value === null) malformed = true
      else if (!values.has(name)) values.set(name, value)
    }
    from = end + 1
  }
  return { values, malformed }
}

function decode(text: string): string | null {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    return null
  }
}
