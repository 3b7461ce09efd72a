// Clients: each sends one request after the other, remembers what it was told, and holds every answer against the log.
import type { InjectOptions, Response } from 'light-my-request'
import type { Engine } from '#schemas/directory'
import { parseUniversal } from '#schemas/engines/universal-parse'
import { formatEvent } from '#schemas/event-format'
import { type Position, parsePositions } from '#schemas/position'
import type { Host } from './host.ts'
import { type Entity, eventsOf, itemStateOf, type PlacedEvent } from './reference.ts'
import type { Life } from './scheduler.ts'
import { directoryOf } from './shared-directory.ts'
import { ENGINE, KEYS, OTHER, SHOP, type World } from './world.ts'

/** What was acknowledged: a record that has to stay where it is. */
export interface Acknowledged {
  readonly position: Position
  readonly app: number
  readonly eventId: string
}

export interface Ledger {
  readonly acknowledged: Acknowledged[]
  readonly counts: Map<string, number>
}

export interface ClientOptions {
  readonly world: World
  readonly life: Life
  readonly ledger: Ledger
  /** The process that answers, as soon as there is one. */
  readonly host: () => Promise<Host>
  /** Longest pause between two requests, milliseconds. */
  readonly pauseMs?: number
}

export const USERS = ['u1', 'u2', 'u3']
export const ITEMS = ['i1', 'i2', 'i3', 'i4']
const CONTEXT_MINUTES = 6

type Body = Readonly<Record<string, unknown>>

export class Client {
  readonly #options: ClientOptions
  /** Position header of the newest acknowledgement. */
  #position: string | null = null

  constructor(options: ClientOptions) {
    this.#options = options
  }

  /** Sends requests until it has had enough. */
  async run(hasEnough: (requests: number) => boolean): Promise<void> {
    const { world, life, pauseMs = 0 } = this.#options
    const { random } = world.scheduler
    for (let i = 0; !hasEnough(i); i++) {
      if (pauseMs > 0) await world.scheduler.clock.sleep(random.below(pauseMs))
      await world.scheduler.gate(life, 'next request')
      const host = await this.#options.host()
      const choice = random.below(20)
      if (choice < 7) await this.#create(host)
      else if (choice < 9) await this.#createBatch(host)
      else if (choice < 11) await this.#delete(host)
      else if (choice < 13) await this.#get(host)
      else if (choice < 14) await this.#find(host)
      else await this.#query(host)
    }
  }

  /** null when the process ended before it answered. */
  async #ask(
    host: Host,
    server: Host['eventServer'],
    request: InjectOptions,
  ): Promise<Response | null> {
    const { world, ledger } = this.#options
    const ended = new Promise<null>((resolve) => {
      if (host.life.ended.aborted) resolve(null)
      host.life.ended.addEventListener('abort', () => resolve(null), { once: true })
    })
    const reply = await Promise.race([server.inject(request), ended])
    const label = `${request.method} ${String(request.url)
      .split('?')[0]
      ?.replace(/[^/]+\.json$/, '*')}`
    const outcome = `${label} → ${reply?.statusCode ?? 'no answer'}`
    ledger.counts.set(outcome, (ledger.counts.get(outcome) ?? 0) + 1)
    world.scheduler.note(
      `${this.#options.life.name}: ${outcome} ${reply?.payload.slice(0, 90) ?? ''}`,
    )
    if (reply !== null && reply.statusCode >= 500 && reply.statusCode !== 503) {
      world.wrong('answers', `${outcome}: ${reply.payload}`)
    }
    return reply
  }

  async #create(host: Host): Promise<void> {
    const { random } = this.#options.world.scheduler
    await this.#send(host, random.chance(0.85) ? SHOP : OTHER, this.#event())
  }

  async #send(host: Host, app: number, event: Body): Promise<void> {
    let body = event
    for (let tries = 0; tries < 3; tries++) {
      const reply = await this.#ask(host, host.eventServer, {
        method: 'POST',
        url: `/events.json?accessKey=${KEYS[app]}`,
        headers: { 'content-type': 'application/json' },
        payload: JSON.stringify(body),
      })
      if (reply === null) return
      const { eventId } = reply.json() as { readonly eventId?: string }
      if (reply.statusCode === 201) return this.#acknowledged(reply, app, [String(eventId)])
      if (eventId === undefined) return
      // Sent again under the id that the refusal names, as the documentation says.
      body = { ...body, eventId }
    }
  }

  async #createBatch(host: Host): Promise<void> {
    const bodies = [this.#event(), this.#event(), this.#event()]
    const reply = await this.#ask(host, host.eventServer, {
      method: 'POST',
      url: `/batch/events.json?accessKey=${KEYS[SHOP]}`,
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify(bodies),
    })
    if (reply?.statusCode !== 200) return
    const items = reply.json() as { readonly status: number; readonly eventId: string }[]
    const taken = items.filter(({ status }) => status === 201).map(({ eventId }) => eventId)
    if (taken.length > 0) this.#acknowledged(reply, SHOP, taken)
  }

  #acknowledged(reply: Response, app: number, eventIds: readonly string[]): void {
    const { world, ledger } = this.#options
    const header = String(reply.headers['millrace-position'])
    this.#position = header
    const positions = parsePositions(header)
    if (positions === null) {
      world.wrong('acknowledgements', `an acknowledgement names no position: ${header}`)
      return
    }
    for (const eventId of eventIds) {
      const places = positions.map((highest) => placeOf(world, highest, app, eventId))
      const position = places.find((place) => place !== null)
      if (position) ledger.acknowledged.push({ position, app, eventId })
      else
        world.wrong(
          'acknowledgements',
          `${eventId} of app ${app} was acknowledged and is not in the log`,
        )
    }
  }

  #event(): Body {
    const { random } = this.#options.world.scheduler
    const type = random.pick(['item', 'user'])
    const id = random.pick(type === 'item' ? ITEMS : USERS)
    return {
      ...this.#eventOf(type, id),
      ...(random.chance(0.7) && { eventId: `${id}-${random.below(3)}` }),
    }
  }

  #eventOf(type: string, entityId: string): Body {
    const { random } = this.#options.world.scheduler
    const minute = random.below(CONTEXT_MINUTES)
    const about =
      type === 'item'
        ? { entityType: 'item', ...this.#special() }
        : {
            entityType: 'user',
            event: random.pick(['buy', 'view']),
            targetEntityType: 'item',
            targetEntityId: random.pick(ITEMS),
          }
    return {
      entityId,
      ...about,
      ...(random.chance(0.8) && { eventTime: `2024-01-01T00:0${minute}:00.000Z` }),
    }
  }

  #special(): Body {
    const { random } = this.#options.world.scheduler
    const name = random.pick(['color', 'size', 'price'])
    const kind = random.below(6)
    if (kind === 0) return { event: '$delete' }
    if (kind === 1) return { event: '$unset', properties: { [name]: '' } }
    return { event: '$set', properties: { [name]: random.below(9) } }
  }

  #known(): { readonly entity: Entity; readonly eventId: string } {
    const { random } = this.#options.world.scheduler
    const type = random.pick(['item', 'user'])
    const id = random.pick(type === 'item' ? ITEMS : USERS)
    const app = random.chance(0.85) ? SHOP : OTHER
    return { entity: { app, type, id }, eventId: `${id}-${random.below(3)}` }
  }

  #end(entity: Entity): number {
    const { world } = this.#options
    return world.records(world.partitionOf(entity)).length
  }

  #possible<T>(
    entity: Entity,
    from: number,
    to: number,
    answer: (live: readonly PlacedEvent[]) => T,
  ): T[] {
    const { world } = this.#options
    const reference = world.reference(world.partitionOf(entity))
    return reference.versions(entity, from, to).map(answer)
  }

  async #get(host: Host): Promise<void> {
    const { world } = this.#options
    const { entity, eventId } = this.#known()
    const from = this.#end(entity)
    const url = `/events/${eventId}.json?accessKey=${KEYS[entity.app]}`
    const reply = await this.#ask(host, host.eventServer, { method: 'GET', url })
    if (reply === null || reply.statusCode === 503) return
    const answers = this.#possible(entity, from, this.#end(entity), (live) => {
      const event = eventsOf(live).find((one) => one.eventId === eventId)
      return event === undefined ? null : formatEvent(event)
    })
    const given = reply.statusCode === 404 ? null : reply.payload
    if (!answers.includes(given)) {
      world.wrong(
        'read-your-writes',
        `GET ${eventId} gave ${given}, which it never was since: ${answers.join(' or ')}`,
      )
    }
  }

  async #find(host: Host): Promise<void> {
    const { world } = this.#options
    const { entity } = this.#known()
    const from = this.#end(entity)
    const url = `/events.json?accessKey=${KEYS[entity.app]}&entityType=${entity.type}&entityId=${entity.id}&limit=-1`
    const reply = await this.#ask(host, host.eventServer, { method: 'GET', url })
    if (reply === null || reply.statusCode === 503) return
    const answers = this.#possible(entity, from, this.#end(entity), (live) => {
      const sorted = eventsOf(live).toSorted((a, b) => a.eventTime - b.eventTime)
      return `[${sorted.map(formatEvent).join(',')}]`
    })
    const given = reply.statusCode === 404 ? '[]' : reply.payload
    if (!answers.includes(given)) {
      world.wrong(
        'read-your-writes',
        `the events of ${entity.id} were ${given}, not ${answers.join(' or ')}`,
      )
    }
  }

  async #delete(host: Host): Promise<void> {
    const { world } = this.#options
    const { random } = world.scheduler
    const { entity, eventId } = this.#known()
    const from = this.#end(entity)
    const url = `/events/${eventId}.json?accessKey=${KEYS[entity.app]}`
    const [reply] = await Promise.all([
      this.#ask(host, host.eventServer, { method: 'DELETE', url }),
      // Somebody uses the id anew while it is being deleted, perhaps as soon as it is free.
      random.chance(0.4) ? this.#reuse(host, entity, eventId) : null,
    ])
    if (reply === null || reply.statusCode === 503) return
    const live = this.#possible(entity, from, this.#end(entity), (its) =>
      eventsOf(its).some((event) => event.eventId === eventId),
    )
    if (reply.statusCode === 404) {
      if (!live.includes(false))
        world.wrong('read-your-writes', `DELETE ${eventId} found nothing, and it was there`)
      return
    }
    const ended = world
      .records(world.partitionOf(entity))
      .slice(from)
      .some((placed) => placed?.record.kind === 'deletion' && placed.record.eventId === eventId)
    if (!ended)
      world.wrong('acknowledgements', `DELETE ${eventId} was acknowledged and is not in the log`)
    this.#position = String(reply.headers['millrace-position'])
  }

  async #reuse(host: Host, { app, type, id }: Entity, eventId: string): Promise<void> {
    const { world, life } = this.#options
    const { random } = world.scheduler
    const event = { ...this.#eventOf(type, id), eventId }
    for (let i = random.below(12); i > 0; i--)
      await world.scheduler.gate(life, 'about to re-use an id')
    await this.#send(host, app, event)
  }

  /** What the user did the primary event to is not recommended again. */
  #checkUnbought(
    user: string,
    before: Engine | undefined,
    wanted: readonly Position[],
    reply: Response,
  ): void {
    const { world } = this.#options
    const entity = { app: SHOP, type: 'user', id: user }
    const told = wanted.find(({ partition }) => partition === world.partitionOf(entity))
    const now = directoryOf(world.control).engines.get(ENGINE)
    if (told === undefined || before?.variant !== now?.variant || now === undefined) return
    const primary = parseUniversal(now.variant).indicators[0].name
    const targets = this.#possible(entity, told.offset + 1, this.#end(entity), (live) =>
      eventsOf(live)
        .filter(({ event }) => event === primary)
        .map(({ targetEntityId }) => targetEntityId),
    )
    const { itemScores } = reply.json() as { readonly itemScores: { readonly item: string }[] }
    for (const { item } of itemScores) {
      if (targets.every((its) => its.includes(item))) {
        world.wrong('read-your-writes', `a query recommended ${item} to ${user}, who has it`)
      }
    }
  }

  async #query(host: Host): Promise<void> {
    const { world } = this.#options
    const user = world.scheduler.random.pick(USERS)
    const before = directoryOf(world.control).engines.get(ENGINE)
    const ends = new Map(
      ITEMS.map((item) => [item, this.#end({ app: SHOP, type: 'item', id: item })]),
    )
    const position = this.#position
    const reply = await this.#ask(host, host.queryServer(), {
      method: 'POST',
      url: '/queries.json',
      headers: {
        'content-type': 'application/json',
        ...(position !== null && { 'millrace-position': position }),
      },
      payload: JSON.stringify({ user }),
    })
    if (reply === null) return
    if (reply.statusCode === 404) {
      if (host.directory.state.engines.get(ENGINE)?.activeVersion && before?.activeVersion) {
        world.wrong('versions', `a query found no version of the engine: ${reply.payload}`)
      }
      return
    }
    if (reply.statusCode === 503) {
      if (host.restored) world.wrong('versions', `a query was refused: ${reply.payload}`)
      return
    }
    const version = String(reply.headers['millrace-version'])
    const known = directoryOf(world.control).engines.get(ENGINE)?.versions
    const status = known?.find(({ id }) => id === version)?.status
    if (status !== 'active' && status !== 'previous' && status !== 'archived') {
      world.wrong('versions', `a query was answered by the version ${version}, which is ${status}`)
    }
    const isFresh = reply.headers['millrace-degraded'] === undefined
    if (position === null || !isFresh) return
    const wanted = parsePositions(position) ?? []
    this.#checkUnbought(user, before, wanted, reply)
    const { itemScores } = reply.json() as { readonly itemScores: { readonly item: string }[] }
    for (const { item } of itemScores) {
      const entity = { app: SHOP, type: 'item', id: item }
      const partition = world.partitionOf(entity)
      const told = wanted.find((place) => place.partition === partition)
      if (told === undefined || !ends.has(item)) continue
      const states = this.#possible(entity, told.offset + 1, this.#end(entity), (live) =>
        itemStateOf(live),
      )
      if (states.every(({ deleted }) => deleted)) {
        world.wrong(
          'read-your-writes',
          `a query at ${position} recommended ${item}, which had been deleted`,
        )
      }
    }
  }
}

/** Where an acknowledged record stands: at the position of the answer, or in a batch somewhat before it. */
function placeOf(world: World, highest: Position, app: number, eventId: string): Position | null {
  const records = world.records(highest.partition)
  for (let offset = highest.offset; offset >= 0; offset--) {
    const record = records[offset]?.record
    if (record?.kind !== 'event' || record.app !== app) continue
    if (record.event.eventId === eventId) return { ...highest, offset }
  }
  return null
}
