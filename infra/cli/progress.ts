// Progress of long work: a bar with rate and time left on a terminal, a plain line every few seconds when piped.

import { Presets, SingleBar } from 'cli-progress'
import { systemClock } from '#ports/clock'
import type { JobProgress } from '#ports/job-queue'
import { grouped } from './output.ts'

export interface ProgressDisplay {
  update(progress: JobProgress): void
  stop(): void
}

const PLAIN_EVERY_MS = 2000

export function createProgressDisplay(
  stream: NodeJS.WriteStream = process.stderr,
): ProgressDisplay {
  return stream.isTTY ? bar(stream) : plainLines(stream)
}

function bar(stream: NodeJS.WriteStream): ProgressDisplay {
  let shown: SingleBar | null = null
  let step = ''
  let started = 0
  const stop = (): void => {
    shown?.stop()
    shown = null
  }
  return {
    update: (progress) => {
      if (progress.note !== undefined) {
        stop()
        step = ''
        stream.write(`${progress.note}\n`)
        return
      }
      if (progress.step !== step) {
        stop()
        step = progress.step
        started = systemClock.monotonic()
        const format = '{step} {bar} {percentage}%  {rate}  {left}'
        shown = new SingleBar(
          { format, stream, hideCursor: true, clearOnComplete: true, fps: 10, barsize: 30 },
          Presets.shades_classic,
        )
        shown.start(progress.total, 0, { step: step.padEnd(10), rate: '', left: '' })
      }
      shown?.setTotal(progress.total)
      shown?.update(progress.done, pace(progress, started))
    },
    stop,
  }
}

function plainLines(stream: NodeJS.WriteStream): ProgressDisplay {
  let last = Number.NEGATIVE_INFINITY
  let step = ''
  let started = 0
  return {
    update: (progress) => {
      if (progress.note !== undefined) {
        step = ''
        stream.write(`${progress.note}\n`)
        return
      }
      const now = systemClock.monotonic()
      if (progress.step !== step) {
        step = progress.step
        started = now
        last = now
        return
      }
      if (now - last < PLAIN_EVERY_MS) return
      last = now
      const { rate, left } = pace(progress, started)
      const percent = progress.total > 0 ? Math.floor((100 * progress.done) / progress.total) : 0
      stream.write(`${step} ${percent}% ${rate}, ${left}\n`)
    },
    stop: () => {},
  }
}

function pace({ done, total, unit }: JobProgress, started: number): { rate: string; left: string } {
  const seconds = (systemClock.monotonic() - started) / 1000
  if (seconds <= 0 || done <= 0) return { rate: '', left: '' }
  const perSecond = done / seconds
  const rate =
    unit === 'bytes' ? `${(perSecond / 1e6).toFixed(1)} MB/s` : `${grouped(perSecond)} ${unit}/s`
  return { rate, left: `${Math.ceil(Math.max(0, total - done) / perSecond)} s left` }
}
