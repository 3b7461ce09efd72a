// Where a planted bug gets in: each is a decorator of something the simulator hands to the product. None of them is there
// in an ordinary run.
import type { Archive } from '#ports/archive'
import type { BatchEngine } from '#ports/batch-engine'
import type { Directory } from '#ports/directory'
import type { EventStore, StoreWriter } from '#ports/event-store'
import type { ItemIndex } from '#ports/item-index'
import type { JobQueue } from '#ports/job-queue'
import type { Log } from '#ports/log'
import type { Models } from '#ports/models'
import type { ArchiveCloser } from '#ports/watermarks'
import type { IndexSink } from '../../streams/index-sink.ts'
import type { PipelineOptions } from '../../streams/pipeline.ts'
import type { MovableWatermarks } from '../../streams/watermarks.ts'
import type { StoreDisk } from './faulty-store.ts'
import type { Life, Scheduler } from './scheduler.ts'

export interface Planting {
  readonly scheduler: Scheduler
  /** Process or thread that the thing belongs to. */
  readonly life: Life
  readonly disk: StoreDisk
}

type Plant<T> = (real: T, planting: Planting) => T

export interface Plants {
  readonly ingestLog?: Plant<Log>
  readonly sinkLog?: Plant<Log>
  readonly storeWriter?: Plant<StoreWriter>
  readonly storeReader?: Plant<EventStore>
  readonly pipeline?: Plant<PipelineOptions>
  readonly watermarks?: Plant<MovableWatermarks>
  readonly index?: Plant<ItemIndex>
  readonly indexSink?: Plant<IndexSink>
  readonly directory?: Plant<Directory>
  readonly queue?: Plant<JobQueue>
  readonly models?: Plant<Models>
  readonly batch?: Plant<BatchEngine>
  readonly archive?: Plant<Archive>
  readonly archiveCloser?: Plant<ArchiveCloser>
}

/** A bug as it might have been written; `plant` is called for each run. */
export interface Bug {
  readonly name: string
  readonly plant: () => Plants
}

export function planted<K extends keyof Plants, T>(
  plants: Plants,
  name: K,
  real: T & Parameters<NonNullable<Plants[K]>>[0],
  planting: Planting,
): T {
  const plant = plants[name] as Plant<T> | undefined
  return plant === undefined ? real : plant(real, planting)
}
