import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until something is so; fails after `ms`. */
export async function until(holds: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const deadline = performance.now() + ms
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`it was not so within ${ms} ms`)
    await sleep(20)
  }
}
