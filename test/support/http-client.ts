// Requests of the tests: JSON in and out, headers and status as they came.
export interface HttpReply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: unknown
}

export async function send(
  method: string,
  url: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpReply> {
  const response = await fetch(url, {
    method,
    headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  let json: unknown = null
  try {
    json = JSON.parse(text)
  } catch {
    // Some replies are plain text; those who expect JSON find null.
  }
  return { status: response.status, headers: response.headers, text, json }
}

export interface Shop {
  /** Events URL with the key. */
  readonly events: string
  readonly batch: string
  event(id: string): string
}

/** URLs of an event server for one access key. */
export function eventUrls(server: string, key: string): Shop {
  const with_ = (path: string): string => `${server}${path}?accessKey=${encodeURIComponent(key)}`
  return {
    events: with_('/events.json'),
    batch: with_('/batch/events.json'),
    event: (id) => with_(`/events/${encodeURIComponent(id)}.json`),
  }
}

/** A user's event on an item. */
export function action(event: string, user: string, item: string, more: object = {}): object {
  return {
    event,
    entityType: 'user',
    entityId: user,
    targetEntityType: 'item',
    targetEntityId: item,
    ...more,
  }
}

/** `$set`, `$unset` or `$delete` of an item. */
export function itemEvent(event: string, item: string, properties?: object): object {
  return { event, entityType: 'item', entityId: item, ...(properties && { properties }) }
}
