/** What a connector makes of a request: an event as a client would send it, or what is wrong with the request. */
export type Connected =
  | { readonly ok: true; readonly event: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly message: string }

/** Thrown inside connectors, where a part is missing or of the wrong kind. */
export class ConnectorFault extends Error {
  override readonly name = 'ConnectorFault'
}

/** Runs a connector's reading; its faults become the refusal. */
export function connected(read: () => Readonly<Record<string, unknown>>): Connected {
  try {
    return { ok: true, event: read() }
  } catch (error) {
    if (error instanceof ConnectorFault) return { ok: false, message: error.message }
    throw error
  }
}
