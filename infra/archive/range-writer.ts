// An open range: records of one partition on their way into files, one app a file and day. A row group goes to disk when
// it is full, so memory holds one row group an app at most, and less when there are many apps. Nothing can be read before
// `close` has put the range's own file.
import type { RangeInfo, RangeWriter } from '#ports/archive'
import type { Files, FileWriter } from '#ports/files'
import type { Placed } from '#schemas/record'
import {
  columnsPath,
  DAY_MS,
  dayOf,
  formatRange,
  parseRange,
  type RangeName,
  rangePath,
} from './layout.ts'
import { createParquetFile, fileMetadata, type ParquetFile } from './parquet-file.ts'
import { RowGroup } from './row-group.ts'

/** Bytes of rows that an open range keeps in memory; beyond it the fullest row group goes to disk. */
const BUFFERED_MAX = 32 * 1024 * 1024

/** Emptied row groups kept for the next file: their columns are large. */
const SPARE_MAX = 2

interface OpenFile {
  readonly app: number
  readonly day: string
  /** First instant that is a later day. */
  readonly dayEnd: number
  readonly path: string
  readonly group: RowGroup
  /** null until the first row group goes to disk. */
  spool: { readonly writer: FileWriter; readonly parquet: ParquetFile } | null
}

interface FinishedFile {
  readonly info: RangeInfo['files'][number]
  readonly writer: FileWriter
}

export interface RangeWriterOptions {
  readonly files: Files
  readonly range: Omit<RangeName, 'revision'>
  /** Tells this writer's files from those of another that began at the same place. */
  readonly writer: string
}

export function createRangeWriter(options: RangeWriterOptions): RangeWriter {
  return new OpenRange(options)
}

class OpenRange implements RangeWriter {
  readonly start: number
  readonly #options: RangeWriterOptions
  readonly #open = new Map<number, OpenFile>()
  readonly #finished: FinishedFile[] = []
  readonly #spare: RowGroup[] = []
  #fileCount = 0
  #minTime = Number.POSITIVE_INFINITY
  #maxTime = Number.NEGATIVE_INFINITY
  #over = false

  constructor(options: RangeWriterOptions) {
    this.start = options.range.start
    this.#options = options
  }

  get bytes(): number {
    let bytes = this.#bufferedBytes()
    for (const { spool } of this.#open.values()) bytes += spool?.parquet.bytes ?? 0
    for (const { info } of this.#finished) bytes += info.bytes
    return bytes
  }

  async append(records: readonly Placed[]): Promise<void> {
    for (const placed of records) {
      const { record } = placed
      const created = record.kind === 'event' ? record.event.creationTime : record.creationTime
      let file = this.#open.get(record.app)
      if (file === undefined || created >= file.dayEnd) {
        file = await this.#nextFile(record.app, created)
      }
      file.group.add(placed)
      if (record.kind === 'event') {
        const { eventTime } = record.event
        if (eventTime < this.#minTime) this.#minTime = eventTime
        if (eventTime > this.#maxTime) this.#maxTime = eventTime
      }
      if (file.group.full) await this.#flush(file)
    }
    while (this.#bufferedBytes() > BUFFERED_MAX) {
      const all = [...this.#open.values()]
      await this.#flush(all.reduce((a, b) => (b.group.bytes > a.group.bytes ? b : a)))
    }
  }

  async close(end: number): Promise<RangeInfo> {
    const { files, range } = this.#options
    for (const file of [...this.#open.values()]) await this.#finish(file)
    for (const { writer } of this.#finished) await writer.commit()
    this.#over = true
    const timed = this.#minTime <= this.#maxTime
    const info: RangeInfo = {
      ...range,
      end,
      revision: 0,
      files: this.#finished.map((file) => file.info),
      minTime: timed ? this.#minTime : null,
      maxTime: timed ? this.#maxTime : null,
    }
    const winner = await publish(files, info)
    if (winner !== info) for (const { path } of info.files) await files.remove(path)
    return winner
  }

  async abort(): Promise<void> {
    if (this.#over) return
    this.#over = true
    const spooled = [...this.#open.values()].flatMap(({ spool }) => spool?.writer ?? [])
    const finished = this.#finished.map(({ writer }) => writer)
    await Promise.all([...spooled, ...finished].map((writer) => writer.abort()))
  }

  #bufferedBytes(): number {
    let bytes = 0
    for (const { group } of this.#open.values()) bytes += group.bytes
    return bytes
  }

  /** Opens the file of an app's next day. Days never step back here, so an app's files are in order of position. */
  async #nextFile(app: number, created: number): Promise<OpenFile> {
    const before = this.#open.get(app)
    if (before !== undefined) await this.#finish(before)
    const day = dayOf(created)
    const writer = `${this.#options.writer}-${this.#fileCount++}`
    const file: OpenFile = {
      app,
      day,
      dayEnd: (Math.floor(created / DAY_MS) + 1) * DAY_MS,
      path: columnsPath(this.#options.range, app, day, writer),
      group: this.#spare.pop() ?? new RowGroup(),
      spool: null,
    }
    this.#open.set(app, file)
    return file
  }

  async #flush(file: OpenFile): Promise<void> {
    if (file.spool === null) {
      const writer = await this.#options.files.create(file.path)
      const parquet = await createParquetFile(writer, fileMetadata(file.app, this.#options.range))
      file.spool = { writer, parquet }
    }
    await file.spool.parquet.writeGroup(file.group)
    file.group.clear()
  }

  /** Writes what is left and the footer. The file stays in `#open` until that worked, so that `abort` finds it. */
  async #finish(file: OpenFile): Promise<void> {
    if (file.group.rows > 0) await this.#flush(file)
    this.#open.delete(file.app)
    if (file.spool === null) return
    const { app, day, path, spool } = file
    await spool.parquet.finish().catch(async (error: unknown) => {
      await spool.writer.abort()
      throw error
    })
    const { rows, bytes } = spool.parquet
    this.#finished.push({ info: { path, app, day, rows, bytes }, writer: spool.writer })
    if (this.#spare.length < SPARE_MAX) this.#spare.push(file.group)
  }
}

/** Puts a range's own file; the range of another writer when his was there first. */
async function publish(files: Files, info: RangeInfo): Promise<RangeInfo> {
  const path = rangePath(info)
  const file = await files.create(path)
  await file.write(formatRange(info))
  if (await file.commit()) return info
  return parseRange(await files.read(path), info)
}
