// A stream whose next value is asked for while its reader is busy with the last one.

export async function* readAhead<T>(stream: AsyncGenerator<T>): AsyncGenerator<T> {
  const ask = (): Promise<IteratorResult<T>> => {
    const answer = stream.next()
    // An error is told when its turn comes; to nobody when the reader has left.
    answer.catch(() => {})
    return answer
  }
  let next = ask()
  try {
    for (;;) {
      const { done, value } = await next
      if (done) return
      next = ask()
      yield value
    }
  } finally {
    await stream.return(undefined)
  }
}
