/** Growing columns of (user, target, time): one row an event, numbers as two dictionaries gave them. */
export class Pairs {
  #user: Uint32Array
  #target: Uint32Array
  #time: Float64Array
  #length = 0

  constructor(capacity = 1024) {
    this.#user = new Uint32Array(capacity)
    this.#target = new Uint32Array(capacity)
    this.#time = new Float64Array(capacity)
  }

  get length(): number {
    return this.#length
  }

  get user(): Uint32Array {
    return this.#user.subarray(0, this.#length)
  }

  get target(): Uint32Array {
    return this.#target.subarray(0, this.#length)
  }

  /** Milliseconds. */
  get time(): Float64Array {
    return this.#time.subarray(0, this.#length)
  }

  add(user: number, target: number, time: number): void {
    const at = this.#length++
    if (at === this.#user.length) this.#grow()
    this.#user[at] = user
    this.#target[at] = target
    this.#time[at] = time
  }

  #grow(): void {
    const capacity = this.#user.length * 2
    const user = new Uint32Array(capacity)
    const target = new Uint32Array(capacity)
    const time = new Float64Array(capacity)
    user.set(this.#user)
    target.set(this.#target)
    time.set(this.#time)
    this.#user = user
    this.#target = target
    this.#time = time
  }
}
