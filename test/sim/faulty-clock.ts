// The clock as one process has it: nobody of a process that ended is woken.
import type { Clock } from '#ports/clock'
import type { Life } from './scheduler.ts'

export function createLifeClock(clock: Clock, life: Life): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    sleep: async (ms, signal) => {
      const either = signal === undefined ? life.ended : AbortSignal.any([signal, life.ended])
      await clock.sleep(ms, either)
      if (life.ended.aborted) await new Promise(() => {})
    },
  }
}
