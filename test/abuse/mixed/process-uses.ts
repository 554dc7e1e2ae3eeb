import type { Clock } from '../../../lib/base/index.ts'
import { type ProcessUse, useOf } from '../../bench/measure.ts'
import type { Topology } from '../../kit/topology.ts'

/** A figure of each process, by its id. */
export type PerProcess = Readonly<Record<string, number>>

/** Resident memory, in MiB, of those that live. */
export const memoryOf = (shoal: Topology): Promise<PerProcess> => usesOf(shoal, ({ rssMiB }) => rssMiB)

/** Processor seconds since the start, of those that live. */
export const processorOf = (shoal: Topology): Promise<PerProcess> => usesOf(shoal, ({ cpuSeconds }) => cpuSeconds)

async function usesOf(shoal: Topology, figure: (use: ProcessUse) => number): Promise<PerProcess> {
  const ids = Object.values(shoal.plan).flatMap((list) => list.map(({ id }) => id))
  const alive = ids.filter((id) => !shoal.crashes.has(id))
  const entries = alive.map(async (id) => {
    const use = await useOf(shoal.pid(id)).catch(() => undefined)
    return use === undefined ? [] : [[id, figure(use)] as const]
  })
  return Object.fromEntries((await Promise.all(entries)).flat())
}

/** The most memory of each process while something goes on. */
export interface MemoryWatch {
  readonly peak: PerProcess
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
