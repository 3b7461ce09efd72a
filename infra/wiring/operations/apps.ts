// Apps and their channels.
import { MillraceError } from '#ports/errors'
import { encodeRecord } from '#schemas/codec'
import type { App } from '#schemas/directory'
import type { Json, JsonObject } from '#schemas/json'
import { covers } from '#schemas/position'
import type { Platform } from '../platform.ts'
import { newAccessKey, shownKeys } from './access-keys.ts'
import { flag, optionalInteger, optionalText, text } from './arguments.ts'
import { appNamed, change, channelNumber, channelsOf } from './change.ts'

/** All processes have heard of a change of the directory after so long. */
const HEARD_MS = 1000

const KAFKA_USER = /^[A-Za-z0-9._-]{1,64}$/

export async function appNew(platform: Platform, args: JsonObject): Promise<Json> {
  const { directory } = platform
  const name = text(args, 'name')
  const description = optionalText(args, 'description')
  const wantedId = optionalInteger(args, 'id')
  const key = newAccessKey(platform, optionalText(args, 'accessKey'))
  let id = 0
  await change(directory, (state) => {
    for (const app of state.apps.values()) {
      if (app.name === name) throw new MillraceError('APP_EXISTS', { app: name })
      if (app.id === wantedId)
        throw new MillraceError('APP_ID_EXISTS', { id: app.id, app: app.name })
    }
    id = wantedId ?? state.lastAppId + 1
    return {
      expects: { [`app:${id}`]: 0, [`app-name:${name}`]: 0, [`key:${key.hash}`]: 0 },
      changes: [
        { type: 'app-created', app: { id, name, description } },
        { type: 'key-created', key: { hash: key.hash, sealed: key.sealed, appId: id, events: [] } },
      ],
    }
  })
  return { id, name, accessKey: key.text }
}

/**
 * args: `app`, `user`. A user of Kafka that may write to the app's inboxes; its password is told once.
 * @throws MillraceError APP_NOT_FOUND, KAFKA_USER_REFUSED
 */
export async function appKafkaUser(platform: Platform, args: JsonObject): Promise<Json> {
  const { direct, directory } = platform
  const app = appNamed(directory.state, text(args, 'app'))
  const user = text(args, 'user')
  if (direct === null) {
    throw new MillraceError('KAFKA_USER_REFUSED', { user, reason: 'the log is not Kafka' })
  }
  if (!KAFKA_USER.test(user)) {
    const reason = 'a name has 1 to 64 letters, digits, points, hyphens and underlines'
    throw new MillraceError('KAFKA_USER_REFUSED', { user, reason })
  }
  return { app: app.name, user, ...(await direct.allow(user, app.id)) }
}

export async function appList({ directory }: Platform): Promise<Json> {
  const apps = [...directory.state.apps.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  return apps.map((app) => ({ id: app.id, name: app.name, keys: shownKeys(directory, app.id) }))
}

export async function appShow({ directory, store }: Platform, args: JsonObject): Promise<Json> {
  const app = appNamed(directory.state, text(args, 'name'))
  const counts = await store.count(app.id)
  return {
    id: app.id,
    name: app.name,
    description: app.description,
    keys: shownKeys(directory, app.id),
    channels: channelsOf(directory.state, app).map(({ id, name }) => ({ id, name })),
    events: Object.fromEntries([...counts].map(([channel, n]) => [String(channel), n])),
  }
}

/**
 * args: `name`. The app is gone from the first moment on; its data, models and inboxes are when this resolves.
 * @throws MillraceError APP_NOT_FOUND
 */
export async function appDelete(platform: Platform, args: JsonObject): Promise<Json> {
  const { clock, direct, directory, index, models } = platform
  const app = appNamed(directory.state, text(args, 'name'))
  const keys = shownKeys(directory, app.id)
  const engines = [...directory.state.engines.values()].filter(({ appId }) => appId === app.id)
  await change(directory, (state) => ({
    expects: { [`app:${app.id}`]: appNamed(state, app.name).revision },
    changes: [{ type: 'app-deleted', appId: app.id }],
  }))
  await deleteData(platform, app, null)
  for (const { id, versions } of engines) {
    for (const version of versions) {
      await index.retire(id, version.id)
      await models.remove(id, version.id)
    }
  }
  if (direct !== null) {
    await direct.forget(app.id)
    await clock.sleep(HEARD_MS)
  }
  // What other processes accepted before they heard of it.
  await deleteData(platform, app, null)
  return { id: app.id, name: app.name, keys }
}

/** Deletes the events of one channel, of the default channel, or (`all`) of all channels of an app. */
export async function dataDelete(platform: Platform, args: JsonObject): Promise<Json> {
  const { state } = platform.directory
  const app = appNamed(state, text(args, 'name'))
  const channelName = optionalText(args, 'channel')
  const channel = flag(args, 'all') ? null : channelNumber(state, app, channelName)
  await deleteData(platform, app, channel)
  return { id: app.id, channel }
}

/** Puts a data-delete into every partition and waits until the store sink has applied them. */
async function deleteData(platform: Platform, app: App, channel: number | null): Promise<void> {
  const { log, ids, clock, watermarks } = platform
  const creationTime = clock.now()
  const appendId = ids(creationTime)
  const record = { kind: 'data-delete', appendId, app: app.id, channel, creationTime } as const
  const offsets: number[] = []
  for (let partition = 0; partition < log.partitions; partition++) {
    const { offset } = await log.append(partition, [encodeRecord(record)])
    offsets.push(offset + 1)
  }
  const wanted = { generation: log.generation, offsets }
  while (!covers(watermarks.applied('store'), wanted)) {
    await watermarks.waitFor('store', wanted, 1000)
  }
}

export async function channelNew({ directory }: Platform, args: JsonObject): Promise<Json> {
  const name = text(args, 'channel')
  const app = appNamed(directory.state, text(args, 'name'))
  if (!/^[a-zA-Z0-9-]{1,16}$/.test(name)) {
    throw new MillraceError('CHANNEL_NAME_INVALID', { channel: name })
  }
  let id = 0
  await change(directory, (state) => {
    if (channelsOf(state, app).some((c) => c.name === name)) {
      throw new MillraceError('CHANNEL_EXISTS', { channel: name })
    }
    id = state.lastChannelId + 1
    return {
      expects: { [`channel:${id}`]: 0, [`channel-name:${app.id}/${name}`]: 0 },
      changes: [{ type: 'channel-created', channel: { id, appId: app.id, name } }],
    }
  })
  return { id, name, appId: app.id }
}

export async function channelDelete(platform: Platform, args: JsonObject): Promise<Json> {
  const { directory } = platform
  const name = text(args, 'channel')
  const app = appNamed(directory.state, text(args, 'name'))
  const id = channelNumber(directory.state, app, name)
  await change(directory, (state) => ({
    expects: { [`channel:${id}`]: state.channels.get(id)?.revision ?? 0 },
    changes: [{ type: 'channel-deleted', channelId: id }],
  }))
  await deleteData(platform, app, id)
  return { id, name, appId: app.id }
}
