// How the index sink is: what it fails at, and what stands still because the index refused too much of it.
import type { Directory } from '#ports/directory'
import type { MillraceError } from '#ports/errors'
import type { Health } from '#ports/lifecycle'
import type { IndexStops } from '../../streams/index-sink.ts'

const TOO_MANY = 'more than 20 of 1,000 items were refused'
const LETTERS = 'See millrace dead-letters list.'

export function indexHealth(
  trouble: MillraceError | null,
  stops: IndexStops,
  directory: Pick<Directory, 'state'>,
): Health {
  const name = 'index sink'
  if (stops.all !== null) {
    return {
      name,
      status: 'failed',
      detail: `It stopped: ${TOO_MANY}, of several apps; the last: ${stops.all}`,
      hint: `${LETTERS} Mend the cause, then start Millrace again: the index is filled from the event store.`,
    }
  }
  if (stops.apps.length > 0) {
    const apps = stops.apps.map(({ app, reason, retryAt }) => {
      const named = directory.state.apps.get(app)?.name ?? String(app)
      const at = new Date(retryAt).toISOString()
      return `The index of app ${named} stopped: ${TOO_MANY}; the last: ${reason} It is filled again at ${at}.`
    })
    return {
      name,
      status: 'failed',
      detail: apps.join(' '),
      hint: `${LETTERS} Mend the items or the index; the other apps are not affected.`,
    }
  }
  if (trouble !== null) {
    return { name, status: 'failed', detail: trouble.message, hint: trouble.hint }
  }
  return { name, status: 'ok', detail: 'It runs.' }
}
