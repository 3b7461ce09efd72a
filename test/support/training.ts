// Trainings in a test: an archive that answers from a list of events, and the model as plain objects.
import type { Archive, ColumnBatch, ColumnRequest } from '#ports/archive'
import { systemClock } from '#ports/clock'
import type { JsonObject } from '#schemas/json'
import type { Model } from '#schemas/model'
import { onThisThread } from '../../batch/algorithms/correlate.ts'
import type { RowRunner } from '../../batch/algorithms/row-job.ts'
import type { Trained } from '../../batch/engines/trainer.ts'
import { trainUniversal } from '../../batch/engines/universal/local.ts'

export interface TrainingEvent {
  readonly event: string
  readonly entityType: string
  readonly entityId: string
  readonly targetEntityType?: string
  readonly targetEntityId?: string
  readonly eventTime: string
}

/** `user did event to item` at a minute. */
export function did(user: string, event: string, item: string, minute = 0): TrainingEvent {
  return {
    event,
    entityType: 'user',
    entityId: user,
    targetEntityType: 'item',
    targetEntityId: item,
    eventTime: new Date(Date.UTC(2025, 0, 1) + minute * 60_000).toISOString(),
  }
}

/** Only `columns` can be asked; batches are small so that there are several. */
export function archiveOf(events: readonly TrainingEvent[], batchRows = 50): Archive {
  const refuse = (): never => {
    throw new Error('only columns() is here')
  }
  return {
    end: refuse,
    openRange: refuse,
    ranges: refuse,
    sources: refuse,
    events: refuse,
    records: refuse,
    async *columns(_request: ColumnRequest): AsyncIterable<ColumnBatch> {
      for (let from = 0; from < events.length; from += batchRows) {
        const part = events.slice(from, from + batchRows)
        yield {
          rows: part.length,
          offset: Float64Array.from(part, (_, i) => from + i),
          entityType: part.map((e) => e.entityType),
          entityId: part.map((e) => e.entityId),
          event: part.map((e) => e.event),
          targetEntityType: part.map((e) => e.targetEntityType ?? null),
          targetEntityId: part.map((e) => e.targetEntityId ?? null),
          eventTime: Float64Array.from(part, (e) => Date.parse(e.eventTime)),
        }
      }
    },
    close: async () => {},
  }
}

/** engine.json of the universal engine with these algorithm parameters. */
export function variantOf(params: JsonObject, datasource: JsonObject = {}): JsonObject {
  return {
    id: 'test',
    engineFactory: 'universal',
    datasource: { params: { appName: 'test', ...datasource } },
    algorithms: [{ name: 'ur', params }],
  }
}

export function train(
  events: readonly TrainingEvent[],
  variant: JsonObject,
  correlate: RowRunner = onThisThread,
  asOf = Date.UTC(2026, 0, 1),
  previous: Model | null = null,
): Promise<Trained> {
  const task = {
    app: 1,
    appName: 'test',
    engineId: 'test',
    versionId: 'v1',
    factory: 'universal',
    variant,
    watermark: { generation: 0, offsets: [events.length] },
    asOf,
  }
  const progress = (): void => {}
  return trainUniversal(task, {
    archive: archiveOf(events),
    clock: systemClock,
    correlate,
    progress,
    previous: async () => previous,
  })
}

/** item → indicator → [id, weight][], without empty lists. */
export function listsOf(model: Model): Record<string, Record<string, [string, number][]>> {
  const items: Record<string, Record<string, [string, number][]>> = {}
  for (const [row, item] of model.items.entries()) {
    const lists: Record<string, [string, number][]> = {}
    for (const { name, starts, terms, term, weight } of model.indicators) {
      const list: [string, number][] = []
      for (let p = starts[row] as number; p < (starts[row + 1] as number); p++) {
        list.push([terms[term[p] as number] as string, weight[p] as number])
      }
      if (list.length > 0) lists[name] = list
    }
    items[item] = lists
  }
  return items
}
