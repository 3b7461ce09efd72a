// One question for all who ask at the same time. Who asks may share an answer that is asked for later, never one asked for
// before: what happened in between would be missing from it.

/** Calls within one turn of the event loop, and those that come while a question is under way, share the next one. */
export function createSharedQuestion<T>(ask: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> = Promise.resolve()
  let next: Promise<T> | null = null
  const start = (): Promise<T> => {
    next = null
    const answer = ask()
    running = answer
    return answer
  }
  return () => {
    next ??= running.then(start, start)
    return next
  }
}
