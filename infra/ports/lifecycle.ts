/** Whatever holds a file, a socket or a thread. Closing twice is allowed and does nothing the second time. */
export interface Closable {
  close(): Promise<void>
}

/** Health of one part, as `status` and the health routes show it. */
export interface Health {
  readonly name: string
  readonly status: 'ok' | 'degraded' | 'failed'
  /** One sentence of what is the case. */
  readonly detail: string
  /** What to do about it: always when it is not ok, else what could be better. */
  readonly hint?: string
}

export interface HealthSource {
  health(): Promise<Health>
}

/** Resolves when the signal aborts; at once when it has already. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
