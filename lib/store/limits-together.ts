import type { ChangingLimits, StoreLimits } from './upkeep.ts'

/** Limits of a store that change one after another, and hold together. */
export interface LimitsTogether {
  note(changed: ChangingLimits): void
  /** Sets what was noted since. @throws CONFIG_INVALID, and nothing has changed */
  settle(): void
}

export function limitsTogether(store: StoreLimits): LimitsTogether {
  let noted: ChangingLimits = {}
  return {
    note(changed) {
      noted = { ...noted, ...changed }
    },
    settle() {
      const changed = noted
      noted = {}
      if (Object.keys(changed).length > 0) store.setLimits(changed)
    },
  }
}
