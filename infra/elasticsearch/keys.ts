// Names and keys as Elasticsearch takes them: of indexes, of documents, of terms. Its keywords are ordered by code point and
// have to be valid text, our ids are ordered by UTF-16 unit and may be any string.
import { createHash } from 'node:crypto'

/** A document's id may have 512 bytes, one letter of which we use ourselves. */
const ID_BYTES_MAX = 511

/** Terms of property values beyond so many bytes are hashed: rules compare whole values. */
const TERM_BYTES_MAX = 512

const SURROGATES = 0xd800
const AFTER_SURROGATES = 0xe000
const ASTRAL = 0x10000
const ODD = /[\ud800-\uffff]/

/**
 * A text whose order by code point is the order of `text` by UTF-16 unit. Surrogates become code points of the private
 * area, and what stands above them goes further up; other texts, which is nearly all, stay as they are.
 */
export function toKey(text: string): string {
  if (!ODD.test(text)) return text
  let key = ''
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < SURROGATES) key += text[i]
    else if (unit < AFTER_SURROGATES) {
      key += String.fromCharCode(unit - SURROGATES + AFTER_SURROGATES)
    } else key += String.fromCodePoint(unit - AFTER_SURROGATES + ASTRAL)
  }
  return key
}

/** The text that `toKey` made a key of. */
export function fromKey(key: string): string {
  if (!ODD.test(key)) return key
  let text = ''
  for (const letter of key) {
    const point = letter.codePointAt(0) as number
    if (point < SURROGATES) text += letter
    else if (point < ASTRAL) text += String.fromCharCode(point - AFTER_SURROGATES + SURROGATES)
    else text += String.fromCharCode(point - ASTRAL + AFTER_SURROGATES)
  }
  return text
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** The key, or a hash of it when it has more bytes than `most`. Keys that look like hashes are hashed too. */
function bounded(key: string, most: number): string {
  const isShort = key.length * 3 <= most || Buffer.byteLength(key) <= most
  return isShort && !key.startsWith('#') ? key : `#${sha256(key)}`
}

/** The `_id` of an item's document. */
export function documentId(item: string): string {
  return bounded(toKey(item), ID_BYTES_MAX)
}

/** Ids in the index of an app's items: of the state of an item, and of its having been seen as a target. */
export function stateId(item: string): string {
  return `s${documentId(item)}`
}

export function seenId(event: string, item: string): string {
  return `e${documentId(`${event.length}:${event}=${item}`)}`
}

/** The term of a correlated id in the list of an indicator, told by its place in the model. */
export function evidenceTerm(indicator: number, id: string): string {
  return `${indicator}=${toKey(id)}`
}

/** What `evidenceTerm` was made of; null when it is a prior. */
export function parseEvidenceTerm(term: string): { indicator: number; id: string } | null {
  const end = term.indexOf('=')
  const indicator = Number(term.slice(0, end))
  return Number.isNaN(indicator) ? null : { indicator, id: fromKey(term.slice(end + 1)) }
}

/** The term that carries the prior clause of a trained ranking. */
export function priorTerm(ranking: string): string {
  return `prior=${toKey(ranking)}`
}

/** The term of a property's text. */
export function valueTerm(property: string, text: string): string {
  return bounded(toKey(`${property.length}:${property}=${text}`), TERM_BYTES_MAX)
}

/** The term of having a value in a field. */
export function indicatorField(indicator: number): string {
  return `i${indicator}`
}

export function propertyField(property: string): string {
  return `p${bounded(toKey(property), TERM_BYTES_MAX)}`
}

/**
 * Terms that say how many values a document has in a field, one a bit, so that the number of all documents' values together
 * can be counted without adding anything up in the server.
 */
export function lengthTerms(field: string, values: number): string[] {
  const terms: string[] = []
  for (let bit = 0; 2 ** bit <= values; bit++) {
    if (Math.floor(values / 2 ** bit) % 2 === 1) terms.push(lengthTerm(field, bit))
  }
  return terms
}

/** Values a document has in one field: fewer than 2 to this power. */
export const LENGTH_BITS = 21

export function lengthTerm(field: string, bit: number): string {
  return `${bit}:${field}`
}

const PLAIN_FIELD = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/

/** A name as the name of a field: dots, blanks and the like would mean something. */
export function fieldName(name: string): string {
  return PLAIN_FIELD.test(name) ? name : `#${sha256(name).slice(0, 32)}`
}

/** The index that holds what was told of an app's items. */
export function itemsIndex(prefix: string, app: number): string {
  return `${prefix}.items.${app}`
}

/** The index of one build of a version; builds are told apart, and put in order, by an ascending id. */
export function versionIndex(prefix: string, engineId: string, build: string): string {
  return `${prefix}.version.${engineId}.${build}`
}

export function versionIndexes(prefix: string): string {
  return `${prefix}.version.*`
}

/** Writes go through this alias: one to an index that was dropped then fails, and does not make it anew. */
export function writeAlias(index: string): string {
  return `${index}.write`
}

/** The alias of a version that is whole. */
export function openAlias(index: string): string {
  return `${index}.open`
}
