// Changes to the directory, made again on what is there now when somebody else was faster.

import type { Directory } from '#ports/directory'
import { MillraceError } from '#ports/errors'
import type { App, Channel, ControlRecord, DirectoryState, Engine } from '#schemas/directory'

type Draft = Omit<ControlRecord, 'appendId' | 'time'>

const ATTEMPTS = 5

/**
 * Writes what `draft` makes of the directory's state.
 * @throws MillraceError CONFLICT when others changed the same object each time, and whatever `draft` throws
 */
export async function change(
  directory: Directory,
  draft: (state: DirectoryState) => Draft,
): Promise<void> {
  let object = 'the directory'
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const verdict = await directory.write(draft(directory.state))
    if (verdict.accepted) return
    object = 'rule' in verdict ? verdict.rule : verdict.object
    await directory.catchUp()
  }
  throw new MillraceError('CONFLICT', { object })
}

/** @throws MillraceError APP_NOT_FOUND */
export function appNamed(state: DirectoryState, name: string): App {
  for (const app of state.apps.values()) if (app.name === name) return app
  throw new MillraceError('APP_NOT_FOUND', { app: name })
}

/** @throws MillraceError ENGINE_NOT_FOUND */
export function engineNamed(state: DirectoryState, id: string): Engine {
  const engine = state.engines.get(id)
  if (engine === undefined) throw new MillraceError('ENGINE_NOT_FOUND', { engine: id })
  return engine
}

export function channelsOf(state: DirectoryState, app: App): Channel[] {
  return [...state.channels.values()]
    .filter((channel) => channel.appId === app.id)
    .sort((a, b) => a.id - b.id)
}

/** The channel's number; 0 for no name. @throws MillraceError CHANNEL_NOT_FOUND */
export function channelNumber(state: DirectoryState, app: App, name: string | null): number {
  if (name === null) return 0
  const channel = channelsOf(state, app).find((c) => c.name === name)
  if (channel === undefined) throw new MillraceError('CHANNEL_NOT_FOUND', { channel: name })
  return channel.id
}
