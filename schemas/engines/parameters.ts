// Reads one object of an engine.json by name. Whatever is missing, of the wrong type or unknown becomes an
// EngineJsonError that says where it stands and how to mend it.
import type { Json, JsonObject } from '../json.ts'
import { nearestName } from '../nearest-name.ts'
import { EngineJsonError } from './engine-json-error.ts'

export interface Bounds {
  readonly min: number
  readonly max: number
}

export interface Known {
  /** Every name that may stand here. */
  readonly names: readonly string[]
  /** Names that other versions used, with what to write instead. */
  readonly foreign?: Readonly<Record<string, string>>
}

/** What people write to each other may stand anywhere. */
const COMMENT = /^_?comment/i

export class Parameters {
  readonly #object: JsonObject
  readonly #file: string
  readonly #path: string

  /** @throws EngineJsonError when `value` is no object or holds an unknown name */
  constructor(file: string, path: string, value: unknown, known: Known) {
    this.#file = file
    this.#path = path
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.#error('', 'this must be an object', 'Write an object: { … }')
    }
    this.#object = value as JsonObject
    for (const name of Object.keys(value)) {
      if (!known.names.includes(name) && !COMMENT.test(name)) this.#refuseUnknown(name, known)
    }
  }

  #refuseUnknown(name: string, known: Known): never {
    const foreign = known.foreign
    if (foreign !== undefined && Object.hasOwn(foreign, name)) {
      throw this.#error(name, `there is no parameter ${name} here`, foreign[name] ?? '')
    }
    const near = nearestName(name, known.names)
    const mend = near === null ? 'Remove it.' : `Did you mean ${near}?`
    throw this.#error(name, `there is no parameter ${name} here`, mend)
  }

  #error(name: string, reason: string, mend: string): EngineJsonError {
    const parts = [this.#path, name].filter((part) => part !== '')
    const path = parts.length === 0 ? 'the file' : parts.join('.').replaceAll('.[', '[')
    return new EngineJsonError({ file: this.#file, path, reason, mend })
  }

  /** Stops with a fault of the named parameter. */
  refuse(name: string, reason: string, mend: string): never {
    throw this.#error(name, reason, mend)
  }

  /** The path of a parameter, for readers of what is inside it. */
  pathOf(name: string, index?: number): string {
    const inside = this.#path === '' ? name : `${this.#path}.${name}`
    return index === undefined ? inside : `${inside}[${index}]`
  }

  has(name: string): boolean {
    return this.value(name) !== undefined
  }

  /** The value as it stands; `null` counts as absent. */
  value(name: string): Json | undefined {
    return Object.hasOwn(this.#object, name) ? (this.#object[name] ?? undefined) : undefined
  }

  string(name: string): string | null {
    const value = this.value(name)
    if (value === undefined) return null
    if (typeof value !== 'string' || value === '') {
      this.refuse(name, `this must be a string, not ${shown(value)}`, `Write "${name}": "…"`)
    }
    return value
  }

  number(name: string): number | null {
    const value = this.value(name)
    if (value === undefined) return null
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      this.refuse(name, `this must be a number, not ${shown(value)}`, 'Write a number.')
    }
    return value
  }

  integer(name: string, { min, max }: Bounds): number | null {
    const value = this.number(name)
    if (value === null) return null
    if (!Number.isInteger(value) || value < min || value > max) {
      const reason = `this must be a whole number from ${min} to ${max}, not ${value}`
      this.refuse(name, reason, `Write a whole number from ${min} to ${max}.`)
    }
    return value
  }

  boolean(name: string): boolean | null {
    const value = this.value(name)
    if (value === undefined) return null
    if (typeof value !== 'boolean') {
      this.refuse(name, `this must be true or false, not ${shown(value)}`, 'Write true or false.')
    }
    return value
  }

  list(name: string): readonly Json[] | null {
    const value = this.value(name)
    if (value === undefined) return null
    if (!Array.isArray(value)) {
      this.refuse(name, `this must be a list, not ${shown(value)}`, 'Write a list: [ … ]')
    }
    return value
  }

  /** A list of non-empty strings without repeats. */
  strings(name: string): readonly string[] | null {
    const list = this.list(name)
    if (list === null) return null
    for (const [i, value] of list.entries()) {
      const at = `${name}[${i}]`
      if (typeof value !== 'string' || value === '') {
        this.refuse(at, `this must be a string, not ${shown(value)}`, 'Write a string: "…"')
      }
      if (list.indexOf(value) < i)
        this.refuse(at, `"${value}" is here twice`, 'Remove one of them.')
    }
    return list as readonly string[]
  }

  /** One of some words. */
  oneOf<W extends string>(name: string, words: readonly W[]): W | null {
    const value = this.string(name)
    if (value === null) return null
    const word = words.find((w) => w === value)
    if (word === undefined) {
      const near = nearestName(value, words)
      const all = words.map((w) => `"${w}"`).join(', ')
      const mend = near === null ? `Write one of ${all}.` : `Did you mean "${near}"? Known: ${all}.`
      this.refuse(name, `"${value}" is unknown`, mend)
    }
    return word
  }

  /** Refuses a value of a word that is known but not there yet. */
  notBuilt(name: string, words: readonly string[], mend: string): void {
    const value = this.value(name)
    if (typeof value === 'string' && words.includes(value)) {
      this.refuse(name, `"${value}" is not built yet`, mend)
    }
  }
}

function shown(value: Json | undefined): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
