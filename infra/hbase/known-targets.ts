// A target needs one row however often it is seen; a writer remembers which it has written.

/** Targets that this writer has written since anything was ended; the oldest are forgotten. */
export interface KnownTargets {
  /** True the first time. */
  add(key: Buffer): boolean
  clear(): void
}

const TARGETS_KNOWN = 200_000

export function createKnownTargets(): KnownTargets {
  let known = new Set<string>()
  return {
    add: (key) => {
      const name = key.toString('latin1')
      if (known.has(name)) return false
      if (known.size >= TARGETS_KNOWN) known = new Set()
      known.add(name)
      return true
    },
    clear: () => {
      known = new Set()
    },
  }
}
