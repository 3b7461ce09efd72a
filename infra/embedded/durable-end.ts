// How far a log is durable, in memory that threads share: the writer moves the end after the write is on disk, readers
// never look behind it. Two 64-bit numbers: the end and the start.
const END = 0
const START = 1

export interface DurableEnd {
  readonly end: number
  readonly start: number
  /** Resolves when the end is above `offset`, when the signal aborts, or when closed. */
  waitFor(offset: number, signal: AbortSignal): Promise<void>
  close(): void
}

export interface DurableEndWriter extends DurableEnd {
  /** Hand it to `readDurableEnd` in other threads. */
  readonly shared: SharedArrayBuffer
  /** Moves the end and wakes who waits for it, here and in other threads. */
  moveEnd(end: number): void
  moveStart(start: number): void
}

export function createDurableEnd(start: number, end: number): DurableEndWriter {
  const shared = new SharedArrayBuffer(2 * BigInt64Array.BYTES_PER_ELEMENT)
  const cells = new BigInt64Array(shared)
  cells[START] = BigInt(start)
  cells[END] = BigInt(end)
  const waiters = createWaiters()
  let startNow = start
  let endNow = end
  return {
    shared,
    get end() {
      return endNow
    },
    get start() {
      return startNow
    },
    moveEnd: (value) => {
      endNow = value
      Atomics.store(cells, END, BigInt(value))
      Atomics.notify(cells, END)
      waiters.wake(value)
    },
    moveStart: (value) => {
      startNow = value
      Atomics.store(cells, START, BigInt(value))
    },
    waitFor: (offset, signal) => waiters.add(endNow, offset, signal),
    close: () => waiters.close(),
  }
}

/** The end as another thread sees it. */
export function readDurableEnd(shared: SharedArrayBuffer): DurableEnd {
  const cells = new BigInt64Array(shared)
  const waiters = createWaiters()
  const read = (cell: number): number => Number(Atomics.load(cells, cell))
  // One wait in the kernel's sense for all waiters of this thread; it is left pending when they have gone.
  let watching = false
  const watch = async (): Promise<void> => {
    if (watching) return
    watching = true
    while (waiters.count > 0) {
      const seen = Atomics.load(cells, END)
      waiters.wake(Number(seen))
      if (waiters.count === 0) break
      const wait = Atomics.waitAsync(cells, END, seen)
      if (wait.async) await wait.value
    }
    watching = false
  }
  return {
    get end() {
      return read(END)
    },
    get start() {
      return read(START)
    },
    waitFor: (offset, signal) => {
      const promise = waiters.add(read(END), offset, signal)
      void watch()
      return promise
    },
    close: () => waiters.close(),
  }
}

interface Waiters {
  readonly count: number
  /** Resolves at once when `end` is above `offset`, else when `wake` says so, on abort or on close. */
  add(end: number, offset: number, signal: AbortSignal): Promise<void>
  wake(end: number): void
  close(): void
}

function createWaiters(): Waiters {
  const waiting = new Set<{ readonly offset: number; readonly done: () => void }>()
  let closed = false
  return {
    get count() {
      return waiting.size
    },
    add: (end, offset, signal) =>
      new Promise((resolve) => {
        if (closed || signal.aborted || end > offset) return resolve()
        const done = (): void => {
          waiting.delete(waiter)
          signal.removeEventListener('abort', done)
          resolve()
        }
        const waiter = { offset, done }
        waiting.add(waiter)
        signal.addEventListener('abort', done, { once: true })
      }),
    wake: (end) => {
      for (const waiter of waiting) if (end > waiter.offset) waiter.done()
    },
    close: () => {
      closed = true
      for (const waiter of waiting) waiter.done()
    },
  }
}
