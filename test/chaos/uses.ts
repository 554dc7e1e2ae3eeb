import { readdir } from 'node:fs/promises'
import { memoryOf, type PerProcess } from '../abuse/mixed/process-uses.ts'
import type { Topology } from '../kit/topology.ts'

/** What each process has, by its id. */
export interface Uses {
  readonly memory: PerProcess
  /** Open files and sockets; nothing where the system does not tell. */
  readonly descriptors: PerProcess
}

export async function usesOf(shoal: Topology): Promise<Uses> {
  const ids = Object.values(shoal.plan).flatMap((list) => list.map(({ id }) => id))
  const alone = ids.filter((id) => shoal.pid(id) !== process.pid && shoal.pid(id) !== 0)
  const counts = alone.map(async (id) => {
    const names = await readdir(`/proc/${shoal.pid(id)}/fd`).catch(() => undefined)
    return names === undefined ? [] : [[id, names.length] as const]
  })
  const memory = Object.entries(await memoryOf(shoal)).filter(([id]) => alone.includes(id))
  return { memory: Object.fromEntries(memory), descriptors: Object.fromEntries((await Promise.all(counts)).flat()) }
}
