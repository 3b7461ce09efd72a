// The administrator of a run: trains, cancels, goes back to an older version, changes engines, erases entities and deletes
// data, each by the code that the commands run.
import { asMillraceError } from '#ports/errors'
import type { JsonObject } from '#schemas/json'
import { TRAIN_JOB } from '../../batch/train-job.ts'
import { dataDelete } from '../../infra/wiring/operations/apps.ts'
import { endEntity } from '../../infra/wiring/operations/erase.ts'
import type { Platform } from '../../infra/wiring/platform.ts'
import { ITEMS, type Ledger, USERS } from './client.ts'
import type { Host } from './host.ts'
import type { Life } from './scheduler.ts'
import { ENGINE, OTHER_VARIANT, SHOP, VARIANT, type World } from './world.ts'

export interface OperatorOptions {
  readonly world: World
  readonly life: Life
  readonly ledger: Ledger
  readonly host: () => Promise<Host>
}

interface Order {
  readonly name: string
  readonly weight: number
  readonly give: (host: Host) => Promise<unknown>
}

/** Resolves when so many orders were given and answered, or their process ended. */
export async function operate(options: OperatorOptions, orders: number): Promise<void> {
  const { world, life, ledger } = options
  const { scheduler } = world
  const hat = ordersOf(options).flatMap((order) => Array<Order>(order.weight).fill(order))
  for (let i = 0; i < orders; i++) {
    await scheduler.gate(life, 'next order')
    const host = await options.host()
    const { name, give } = scheduler.random.pick(hat)
    scheduler.note(`${life.name}: ${name}`)
    const over = Promise.withResolvers<string>()
    host.life.ended.addEventListener('abort', () => over.resolve('no answer'), { once: true })
    give(host).then(
      () => over.resolve('done'),
      (error: unknown) => {
        const { code, message } = asMillraceError(error)
        if (code === 'INTERNAL') world.wrong('answers', `${name}: ${message}`)
        over.resolve(code)
      },
    )
    const outcome = `${name} → ${await over.promise}`
    ledger.counts.set(outcome, (ledger.counts.get(outcome) ?? 0) + 1)
    scheduler.note(`${life.name}: ${outcome}`)
  }
}

function ordersOf({ world }: OperatorOptions): readonly Order[] {
  const { random } = world.scheduler
  const train = ({ queue }: Host) =>
    queue.add(TRAIN_JOB, ENGINE, { engineId: ENGINE, asOf: null } satisfies JsonObject)
  return [
    { name: 'train', weight: 6, give: train },
    {
      name: 'train and wait',
      weight: 3,
      give: async (host) => host.queue.follow((await train(host)).id, () => {}),
    },
    {
      name: 'cancel',
      weight: 2,
      give: async ({ queue }) => {
        const job = world.queue.jobs.find(({ endedAt }) => endedAt === null)
        if (job !== undefined) await queue.cancel(job.id)
      },
    },
    { name: 'roll back', weight: 2, give: ({ training }) => training.rollback(ENGINE, null) },
    {
      name: 'register',
      weight: 1,
      give: ({ directory }) =>
        directory.write({
          expects: {},
          changes: [
            {
              ...{ type: 'engine-registered', engineId: ENGINE, appId: SHOP, factory: 'universal' },
              variant: random.pick([VARIANT, OTHER_VARIANT]),
            },
          ],
        }),
    },
    {
      name: 'erase',
      weight: 2,
      give: async (host) => {
        const entityType = random.pick(['user', 'item'])
        const entityId = random.pick(entityType === 'item' ? ITEMS : USERS)
        const ends = endsOf(world)
        await endEntity(platformOf(host), { app: 'shop', entityType, entityId })
        checkErased(world, { type: entityType, id: entityId }, ends)
      },
    },
    {
      name: 'delete data',
      weight: 1,
      give: (host) => dataDelete(platformOf(host), { name: random.pick(['shop', 'other']) }),
    },
  ]
}

/** The parts of a platform that operations use. */
function platformOf(host: Host): Platform {
  const { directory, log, clock, ids, store, archiveCloser, archive } = host
  const { watermarks } = host.streams
  const parts: Partial<Platform> = {
    ...{ directory, log, clock, ids, store, watermarks, archiveCloser, archive },
  }
  return parts as Platform
}

const endsOf = ({ events, records }: World): number[] =>
  Array.from({ length: events.partitions }, (_, p) => records(p).length)

/** Nothing about the entity that was in the log before counts any more. */
function checkErased(
  world: World,
  { type, id }: { readonly type: string; readonly id: string },
  ends: readonly number[],
): void {
  for (const [partition, end] of ends.entries()) {
    for (const { offset, record } of world.reference(partition).live()) {
      const { app, event } = record
      const isIts =
        (event.entityType === type && event.entityId === id) ||
        (event.targetEntityType === type && event.targetEntityId === id)
      if (app !== SHOP || !isIts || offset >= end) continue
      world.wrong('erasure', `${event.eventId} of ${partition}/${offset} is about ${id} and counts`)
    }
  }
}
