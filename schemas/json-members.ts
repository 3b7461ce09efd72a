/**
 * Keys and value texts of a JSON object given as compact, valid JSON text (as `event.properties` is), without touching
 * the digits of a number. A later duplicate key wins, in the first one's place.
 */
export function members(object: string): Map<string, string> {
  const found = new Map<string, string>()
  let at = 1
  while (at < object.length - 1) {
    const keyEnd = endOfValue(object, at)
    const key = JSON.parse(object.slice(at, keyEnd)) as string
    const valueEnd = endOfValue(object, keyEnd + 1)
    found.set(key, object.slice(keyEnd + 1, valueEnd))
    at = valueEnd + 1
  }
  return found
}

/** Index behind the value that begins at `from`: the next `,`, `:`, `}` or `]` outside of strings and brackets. */
function endOfValue(text: string, from: number): number {
  let depth = 0
  for (let i = from; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 34) i = endOfString(text, i)
    else if (c === 123 || c === 91) depth++
    else if (c === 125 || c === 93) {
      if (depth === 0) return i
      depth--
    } else if (depth === 0 && (c === 44 || c === 58)) return i
  }
  return text.length
}

function endOfString(text: string, from: number): number {
  for (let i = from + 1; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 92) i++
    else if (c === 34) return i
  }
  return text.length
}
