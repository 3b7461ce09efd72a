import { Dictionary } from './dictionary.ts'

/** What somebody did to something, whenever he did it last. */
export interface NewestEvent {
  readonly event: string
  readonly entityType: string
  readonly entityId: string
  readonly target: number
  readonly isItem: boolean
  /** Milliseconds. */
  readonly time: number
}

interface Subject {
  readonly entityType: string
  readonly entityId: string
  /** By target: the newest time. Apart for items and others, which may have one id. */
  readonly items: Map<number, number>
  readonly others: Map<number, number>
}

/**
 * Events of one name by one entity on one target as one event, the newest, in whatever order they come. Takes memory for
 * each of them; a map a subject, as one of all events would grow too large.
 */
export class NewestEvents {
  readonly #subjects = new Dictionary()
  readonly #byEvent = new Map<string, Subject[]>()

  add({ event, entityType, entityId, target, isItem, time }: NewestEvent): void {
    let subjects = this.#byEvent.get(event)
    if (subjects === undefined) {
      subjects = []
      this.#byEvent.set(event, subjects)
    }
    const number = this.#subjects.add(`${entityType}\u0000${entityId}`)
    let subject = subjects[number]
    if (subject === undefined) {
      subject = { entityType, entityId, items: new Map(), others: new Map() }
      subjects[number] = subject
    }
    const times = isItem ? subject.items : subject.others
    times.set(target, Math.max(time, times.get(target) ?? time))
  }

  forEach(visit: (event: NewestEvent) => void): void {
    for (const [event, subjects] of this.#byEvent) {
      // With holes where a subject of other events has its number.
      subjects.forEach(({ entityType, entityId, items, others }) => {
        for (const [target, time] of items) {
          visit({ event, entityType, entityId, target, isItem: true, time })
        }
        for (const [target, time] of others) {
          visit({ event, entityType, entityId, target, isItem: false, time })
        }
      })
    }
  }
}
