// JSON as PredictionIO's parser (json4s) reads it, and as fast as JSON.parse where that makes no difference. It differs in
// - numbers: `5.0` is a double and printed back as `5.0`, and integers keep all their digits;
// - tolerances: missing or extra commas, `012`, `+1`, `1.`, raw line ends in strings, unknown escapes; and what follows
//   the first object or array is ignored as long as it consists of tokens;
// - the texts of its errors.
//
// The lenient parser is a loop over tokens with a stack of what is open, so that no depth of nesting can overflow it.

/** A number whose text matters: printing it back must give this text. */
export class JsonNumber {
  /** As Java prints it: `5.0`, `1.0E-7`, `123456789012345678901234567890`; `Infinity` when it is too large for a double. */
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  get isDouble(): boolean {
    return !/^-?\d+$/.test(this.text)
  }

  valueOf(): number {
    return Number(this.text)
  }

  /** Used by JSON.stringify. @throws NumberRangeError for what a reader could not read back as a finite number. */
  toJSON(): unknown {
    if (!Number.isFinite(Number(this.text))) throw new NumberRangeError(this.text)
    return rawJson(this.text)
  }
}

/** A number that no finite double stands for. Kept out of texts, since it would poison every listing that meets it. */
export class NumberRangeError extends Error {
  override readonly name = 'NumberRangeError'
}

// JSON.rawJSON is in the runtime, but not yet in the type library.
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON

export type JsonReading =
  /** `value` is undefined when the text holds no whole value: it is empty, or something in it is not closed. */
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly message: string }

/**
 * Numbers in value position whose text JSON.parse would lose: exponents, fractions of zeros, of more than 8 digits or below
 * 0.001, more than 7 digits before a fraction, and integers of 16 digits and more. May also match inside a string, which
 * then only costs time.
 */
const DIGITS_MATTER =
  /[:,[]\s*-?(?:\d{16}|\d{1,15}(?:[eE]|\.(?:0*[\s,}\]]|\d{9}|\d*[eE]))|\d{8,15}\.|0\.000)/

/**
 * Reads a JSON object or array. Numbers are JavaScript numbers where those print the same text, else JsonNumbers;
 * strings are well-formed (a lone surrogate becomes `?`, as in PredictionIO); `__proto__` is a key like any other.
 */
export function parseJson(text: string): JsonReading {
  if (isPlain(text)) {
    try {
      const value: unknown = JSON.parse(text)
      if (typeof value === 'object' && value !== null) return { ok: true, value }
    } catch {
      // Not JSON in the strict sense: the lenient parser decides, and words the error.
    }
  }
  return parseLeniently(text)
}

/** Nothing in it that JSON.parse would lose or let through: digits that matter, halves of surrogate pairs. */
function isPlain(text: string): boolean {
  const hasEscape = text.includes('\\ud') || text.includes('\\uD')
  return !hasEscape && text.isWellFormed() && !DIGITS_MATTER.test(text)
}

type Container = { [key: string]: unknown } | unknown[]
/** What is open: containers, and between an object and its value the name of the field. */
type Open = Container | string

class ParseFailure extends Error {}
const BROKEN = 'parsing failed'

function parseLeniently(text: string): JsonReading {
  try {
    return { ok: true, value: new LenientParser(text).parse() }
  } catch (error) {
    if (error instanceof ParseFailure) return { ok: false, message: error.message }
    throw error
  }
}

class LenientParser {
  readonly #text: string
  readonly #open: Open[] = []
  #at = 0
  #root: unknown
  /** The next string is a field's name, if the innermost bracket is an object's. */
  #nameExpected = true

  constructor(text: string) {
    this.#text = text
  }

  /** The first object or array; undefined when none was closed. @throws ParseFailure */
  parse(): unknown {
    while (this.#at < this.#text.length) this.#token(this.#text.charCodeAt(this.#at++))
    return this.#root
  }

  #token(c: number): void {
    switch (c) {
      case 0x20:
      case 0x0a:
      case 0x0d:
      case 0x09:
      case 0x2c: // ,
        return
      case 0x7b: // {
        this.#open.push({})
        this.#nameExpected = true
        return
      case 0x5b: // [
        this.#open.push([])
        return
      case 0x7d: // }
      case 0x5d: // ]
        this.#close()
        return
      case 0x3a: // :
        if (Array.isArray(this.#open.at(-1))) throw this.#failure('Colon in an invalid position')
        this.#nameExpected = false
        return
      case 0x22: // "
        this.#string()
        return
      case 0x74:
        this.#word('true', true)
        return
      case 0x66:
        this.#word('false', false)
        return
      case 0x6e:
        this.#word('null', null)
        return
      default:
        this.#number(c)
    }
  }

  /** Either bracket closes what is innermost, as in PredictionIO's parser. */
  #close(): void {
    const value = this.#open.pop()
    if (value === undefined) throw this.#failure('expected object or array')
    if (typeof value === 'string') throw new ParseFailure(BROKEN)
    this.#nameExpected = true
    if (this.#open.length > 0) this.#place(value)
    else this.#root ??= value
  }

  /** Puts a value where it belongs. */
  #place(value: unknown): void {
    const top = this.#open.at(-1)
    if (Array.isArray(top)) top.push(value)
    else if (typeof top !== 'string') throw this.#failure('expected field or array')
    else {
      this.#open.pop()
      const object = this.#open.at(-1)
      if (typeof object !== 'object' || Array.isArray(object)) throw new ParseFailure(BROKEN)
      setMember(object, top, value)
    }
  }

  #string(): void {
    const value = this.#readString()
    const inside = this.#open.at(-1)
    if (this.#nameExpected && inside !== undefined && !Array.isArray(inside)) {
      this.#open.push(value)
      return
    }
    this.#nameExpected = true
    this.#place(value)
  }

  /** Reads on to the closing quote. */
  #readString(): string {
    let value = ''
    for (;;) {
      PLAIN.lastIndex = this.#at
      value += (PLAIN.exec(this.#text) as RegExpExecArray)[0]
      this.#at = PLAIN.lastIndex + 1
      if (this.#at > this.#text.length) throw new ParseFailure('unexpected eof')
      if (this.#text.charCodeAt(this.#at - 1) === 0x22) return wellFormed(value)
      value += this.#escape()
    }
  }

  /** The character an escape stands for; an unknown escape leaves its backslash and loses its letter. */
  #escape(): string {
    const letter = this.#text[this.#at++]
    if (letter === undefined) throw new ParseFailure('unexpected eof')
    if (letter !== 'u') return ESCAPES.get(letter) ?? '\\'
    const hex = this.#text.slice(this.#at, this.#at + 4)
    if (!/^[\da-fA-F]{4}$/.test(hex)) throw this.#failure('unexpected string end')
    this.#at += 4
    return String.fromCharCode(Number.parseInt(hex, 16))
  }

  #word(word: string, value: boolean | null): void {
    for (let i = 1; i < word.length; i++) {
      if (this.#text[this.#at++] !== word[i]) {
        throw this.#failure(`expected ${value === null ? 'null' : 'boolean'}`)
      }
    }
    this.#nameExpected = true
    this.#place(value)
  }

  #number(c: number): void {
    if (c !== 0x2d && c !== 0x2b && (c < 0x30 || c > 0x39)) {
      const shown = String.fromCodePoint(this.#text.codePointAt(this.#at - 1) as number)
      this.#at += shown.length - 1
      throw this.#failure(`unknown token ${wellFormed(shown)}`)
    }
    NUMBER.lastIndex = this.#at - 1
    const value = readNumber((NUMBER.exec(this.#text) as RegExpExecArray)[0])
    if (value === undefined) throw new ParseFailure(BROKEN)
    this.#nameExpected = true
    // PredictionIO's parser stands one character back when a number ends the text; its messages show that.
    this.#at = NUMBER.lastIndex - (NUMBER.lastIndex === this.#text.length ? 1 : 0)
    this.#place(value)
    this.#at = NUMBER.lastIndex
  }

  #failure(reason: string): ParseFailure {
    const near = this.#text.slice(Math.max(this.#at - 20, 0), this.#at)
    return new ParseFailure(`${reason}\nNear: ${wellFormed(near)}`)
  }
}

const PLAIN = /[^"\\]*/y
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
])

function setMember(object: { [key: string]: unknown }, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value
  else {
    Object.defineProperty(object, key, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    })
  }
}

const NUMBER = /[-+\d][\d.eE+-]*/y
const INTEGER = /^[+-]?\d+$/
const DOUBLE = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/** The value of a number's token, or undefined when it is none. */
function readNumber(token: string): number | JsonNumber | undefined {
  const number = Number(token)
  let text: string
  if (INTEGER.test(token)) {
    const digits = token.replace(/^[+-]?0*/, '')
    text = digits === '' ? '0' : token.startsWith('-') ? `-${digits}` : digits
  } else if (DOUBLE.test(token)) text = javaDouble(number)
  else return undefined
  const same = Number.isFinite(number) && String(number) === text
  return same ? number : new JsonNumber(text)
}

/** A double as Java's `Double.toString` prints it; both zeros as `0.0`. */
export function javaDouble(value: number): string {
  if (value === 0) return '0.0'
  if (!Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (size >= 1e-3 && size < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value)
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string]
  return `${mantissa}${mantissa.includes('.') ? '' : '.0'}E${exponent.replace('+', '')}`
}

function wellFormed(text: string): string {
  return text.isWellFormed() ? text : text.replace(/\p{Surrogate}/gu, '?')
}
