// The training kernel alone, by `train-kernel.ts`, with both kinds of weights.
import type { Report } from './report.ts'
import { script } from './script.ts'

interface Kernel {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly vmHwmMb: number
  readonly events: number
  readonly threads: number
}

export async function run(report: Report): Promise<void> {
  for (const weights of ['acos', 'llr']) {
    const kernel = JSON.parse(await script('train-kernel.ts', ['--weights', weights])) as Kernel
    report.add({
      name: `training kernel, ${weights}`,
      value: `${kernel.seconds} s, ${(kernel.events / 1e6).toFixed(1)} M events`,
      cost: `${kernel.cpuSeconds} CPU-s, ${kernel.threads} threads, VmHWM ${kernel.vmHwmMb} MB`,
      target: '< 15 s, < 1500 MB',
      reached: kernel.seconds < 15 && kernel.vmHwmMb < 1500,
    })
  }
}
