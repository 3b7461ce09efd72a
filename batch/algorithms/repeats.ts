import { Dictionary } from './dictionary.ts'

/** Remembers who did what to what, and knows when it is done again. Takes memory for each distinct event. */
export class Repeats {
  readonly #subjects = new Dictionary()
  /** By event name, then subject number: the targets. A set a subject, as one of all events would grow too large. */
  readonly #done = new Map<string, Set<number>[]>()

  /** True from the second time on. */
  isRepeat(event: string, entityType: string, entityId: string, target: number): boolean {
    let subjects = this.#done.get(event)
    if (subjects === undefined) {
      subjects = []
      this.#done.set(event, subjects)
    }
    const subject = this.#subjects.add(`${entityType}\u0000${entityId}`)
    let targets = subjects[subject]
    if (targets === undefined) {
      targets = new Set()
      subjects[subject] = targets
    }
    if (targets.has(target)) return true
    targets.add(target)
    return false
  }
}
