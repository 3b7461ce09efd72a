// States of entities and the targets that were seen.

import { setImmediate } from 'node:timers/promises'
import type { EntityState } from '#schemas/state'
import { type StateRow, unpackState } from '#schemas/state-row'
import type { Table } from './environment.ts'
import { behind, keyOf, stateKey, textKey } from './keys.ts'
import type { Reading } from './reading.ts'

const SLICE = 256

export function readState(
  { tables, texts, tenant }: Reading,
  app: number,
  channel: number,
  entityType: string,
  entityId: string,
): EntityState | null {
  const number = tenant(app, channel)
  const type = texts.find(entityType)
  if (number === null || type === 0) return null
  const row = tables.states.get(stateKey(number, type, entityId))
  return row === undefined ? null : unpackState(row).state
}

export async function* readStates(
  { tables, texts, tenant }: Reading,
  app: number,
  channel: number,
  entityType: string,
): AsyncGenerator<StateRow> {
  const number = tenant(app, channel)
  const type = texts.find(entityType)
  if (number === null || type === 0) return
  for await (const value of valuesBehind(tables.states, keyOf(number, type))) {
    yield unpackState(value)
  }
}

export async function* readTargets(
  { tables, texts, tenant }: Reading,
  app: number,
  channel: number,
  event: string,
  targetEntityType: string,
): AsyncGenerator<string> {
  const number = tenant(app, channel)
  const name = texts.find(event)
  const type = texts.find(targetEntityType)
  if (number === null || name === 0 || type === 0) return
  for await (const value of valuesBehind(tables.targets, keyOf(number, name, type))) {
    yield value.toString()
  }
}

/** True when the id was seen as the target of such an event. */
export function wasTarget(
  { tables, texts, tenant }: Reading,
  app: number,
  channel: number,
  event: string,
  targetEntityType: string,
  id: string,
): boolean {
  const number = tenant(app, channel)
  const name = texts.find(event)
  const type = texts.find(targetEntityType)
  if (number === null || name === 0 || type === 0) return false
  return tables.targets.doesExist(keyOf(number, name, type, textKey(id)))
}

/** Values of all keys with a prefix, a slice of them at a time. */
async function* valuesBehind(table: Table, prefix: Buffer): AsyncGenerator<Buffer> {
  const end = behind(prefix)
  let start = prefix
  for (;;) {
    const slice = [
      ...table.getRange({ start, end, limit: SLICE, exclusiveStart: start !== prefix }),
    ]
    for (const { value } of slice) yield value
    const last = slice.at(-1)
    if (last === undefined || slice.length < SLICE) return
    start = last.key
    await setImmediate()
  }
}
