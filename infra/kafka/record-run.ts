// Records of one partition that were fetched and not yet read: one run of them, without anything missing in between.
import type { LogBatch } from '#ports/log'
import type { FetchedPart, FetchedRecord } from './read-connection.ts'

export class RecordRun {
  #records: FetchedRecord[] = []
  /** Records before this one have been read. */
  #head = 0
  #first: number
  #next: number
  #bytes = 0

  /** A run of nothing, at an offset. */
  constructor(at: number) {
    this.#first = at
    this.#next = at
  }

  /** Where to fetch on. */
  get next(): number {
    return this.#next
  }

  /** Bytes of the values that are held. */
  get bytes(): number {
    return this.#bytes
  }

  /** Adds what was fetched from `from` on; what the run has already is passed over. False when it does not join. */
  extend(from: number, fetched: FetchedPart): boolean {
    if (from > this.#next || from < this.#first) return false
    for (const record of fetched.records) {
      if (record.offset < this.#next) continue
      this.#records.push(record)
      this.#bytes += record.value.length
    }
    this.#next = Math.max(this.#next, fetched.next)
    return true
  }

  /**
   * Records from `from` on that fit `maxBytes`, at least one, and forgets those before; null when the run does not reach
   * behind `from` or begins later. They are held until the next call.
   */
  take(from: number, maxBytes: number): LogBatch | null {
    if (from < this.#first || from >= this.#next) return null
    this.#forgetBelow(from)
    const records: FetchedRecord[] = []
    let bytes = 0
    for (let i = this.#head; i < this.#records.length; i++) {
      const record = this.#records[i] as FetchedRecord
      bytes += record.value.length
      if (records.length > 0 && bytes > maxBytes) return { records, next: record.offset }
      records.push(record)
    }
    return { records, next: this.#next }
  }

  #forgetBelow(from: number): void {
    this.#first = from
    let record = this.#records[this.#head]
    while (record !== undefined && record.offset < from) {
      this.#bytes -= record.value.length
      record = this.#records[++this.#head]
    }
    if (this.#head < this.#records.length / 2) return
    this.#records = this.#records.slice(this.#head)
    this.#head = 0
  }
}
