import type { ReadPriority } from '../../../lib/core/index.ts'
import type { OnWanted } from '../../../lib/swarm/index.ts'
import type { Holds } from './holds.ts'

/** Peers of the swarm hold a blob as long as they want something of it, whether it is here or not. */
export interface WantsHold {
  /** Hears what is wanted of a blob that begins to come, and tells it on; of an earlier beginning nothing counts any more. */
  heard(onWanted: OnWanted): OnWanted
}

export function wantsHold(holds: Pick<Holds, 'take'>): WantsHold {
  let release: (() => void) | undefined
  const letGo = () => {
    release?.()
    release = undefined
  }
  return {
    heard(onWanted) {
      letGo()
      const wanted = new Set<ReadPriority>()
      return (ranges, priority) => {
        if (ranges.length > 0) wanted.add(priority)
        else wanted.delete(priority)
        if (wanted.size === 0) letGo()
        else release ??= holds.take()
        onWanted(ranges, priority)
      }
    },
  }
}
