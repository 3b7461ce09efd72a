// Several streams as one, in the order in which they have something.

/**
 * What the streams give, each in its order, mixed. At most `atOnce` of them are read at a time, and each is asked for its next
 * value when its last was taken, so that one value a stream is held. An error of one ends all.
 */
export async function* sideBySide<T>(
  streams: readonly AsyncGenerator<T>[],
  atOnce: number,
): AsyncGenerator<T> {
  const waiting = [...streams]
  const asked = new Map<AsyncGenerator<T>, Promise<Answer<T>>>()
  const ask = (stream: AsyncGenerator<T>): void => {
    const answer = stream.next().then((result) => ({ stream, result }))
    // Whoever waits for the first of all hears of it; nobody does any more when the reader has left.
    answer.catch(() => {})
    asked.set(stream, answer)
  }
  try {
    for (const stream of waiting.splice(0, atOnce)) ask(stream)
    while (asked.size > 0) {
      const { stream, result } = await Promise.race(asked.values())
      if (result.done) {
        asked.delete(stream)
        for (const next of waiting.splice(0, 1)) ask(next)
      } else {
        ask(stream)
        yield result.value
      }
    }
  } finally {
    await Promise.all(streams.map((stream) => stream.return(undefined)))
  }
}

interface Answer<T> {
  readonly stream: AsyncGenerator<T>
  readonly result: IteratorResult<T>
}
