import type { Clock } from '../../../lib/base/index.ts'
import { useOf } from '../../bench/measure.ts'
import type { Topology } from '../../kit/topology.ts'

/** Resident memory of each process, in MiB, by its id. */
export type Memory = Readonly<Record<string, number>>

/** Of those that live. */
export async function memoryOf(shoal: Topology): Promise<Memory> {
  const ids = Object.values(shoal.plan).flatMap((list) => list.map(({ id }) => id))
  const alive = ids.filter((id) => !shoal.crashes.has(id))
  const entries = alive.map(async (id) => {
    const use = await useOf(shoal.pid(id)).catch(() => undefined)
    return use === undefined ? [] : [[id, use.rssMiB] as const]
  })
  return Object.fromEntries((await Promise.all(entries)).flat())
}

/** The largest of each process while something goes on. */
export interface MemoryWatch {
  readonly peak: Memory
  stop(): Promise<void>
}

const EVERY_MS = 500

export function watchMemory(shoal: Topology, clock: Clock): MemoryWatch {
  const peak: Record<string, number> = {}
  const end = new AbortController()
  const { signal } = end
  const watching = (async () => {
    while (!signal.aborted) {
      for (const [id, rss] of Object.entries(await memoryOf(shoal))) peak[id] = Math.max(peak[id] ?? 0, rss)
      await clock.sleep(EVERY_MS, { signal }).catch(() => undefined)
    }
  })()
  return {
    peak,
    async stop() {
      end.abort()
      await watching
    },
  }
}
