import type { Sample } from '../../../lib/api/index.ts'
import { type AbortOptions, type Clock, deadline } from '../../../lib/base/index.ts'

/** The longest that one service is waited for. */
const ASK_MS = 5_000

/** A service of a cluster that tells what it has counted, as Prometheus text. */
export interface CountedMember {
  readonly id: string
  readonly kind: 'tracker' | 'origin'
  readonly metrics: (options: AbortOptions) => Promise<string>
}

type Name = 'finished' | 'origins' | 'backend'

/** Counters of each service, and when they were read. */
export interface Counts {
  readonly atMs: number
  readonly of: ReadonlyMap<string, Readonly<Partial<Record<Name, number>>>>
}

const sources: Readonly<
  Record<CountedMember['kind'], readonly (readonly [name: Name, metric: string, label: string])[]>
> = {
  tracker: [['finished', 'shoal_tracker_announces_total', 'event="completed"']],
  origin: [
    ['origins', 'shoal_sent_bytes_total', 'to="peer"'],
    ['backend', 'shoal_received_bytes_total', 'from="backend"'],
  ],
}

/** The sum of the lines of a counter that carry a label. */
export function counterIn(text: string, metric: string, label: string): number {
  let sum = 0
  for (const line of text.split('\n')) {
    if (!line.startsWith(`${metric}{`) || !line.includes(label)) continue
    const value = Number(
      line
        .slice(line.lastIndexOf('}') + 1)
        .trim()
        .split(' ')[0],
    )
    if (Number.isFinite(value)) sum += value
  }
  return sum
}

/** What each service has counted; nothing of one that does not answer. */
export async function countsOf(
  members: readonly CountedMember[],
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Counts> {
  const read = async ({ id, kind, metrics }: CountedMember) => {
    const limit = deadline(clock, ASK_MS, signal)
    try {
      const text = await metrics({ signal: limit.signal })
      const counted = sources[kind].map(([name, metric, label]) => [name, counterIn(text, metric, label)] as const)
      return [`${kind}/${id}`, Object.fromEntries(counted)] as const
    } finally {
      limit.release()
    }
  }
  const ends = await Promise.allSettled(members.map(read))
  const found = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []))
  return { atMs: clock.now(), of: new Map(found) }
}

/** What was counted between two looks, by those that were there at both. A counter that went back began anew. */
export function perSecond(before: Counts, now: Counts): Partial<Sample> {
  const seconds = (now.atMs - before.atMs) / 1_000
  const grown = (name: Name): number | undefined => {
    const grows = [...now.of].flatMap(([id, counts]) => {
      const [old, count] = [before.of.get(id)?.[name], counts[name]]
      return old === undefined || count === undefined ? [] : [count >= old ? count - old : count]
    })
    return grows.length === 0 || seconds <= 0 ? undefined : grows.reduce((a, b) => a + b, 0) / seconds
  }
  const [finished, origins, backend] = [grown('finished'), grown('origins'), grown('backend')]
  return {
    ...(finished !== undefined && { finishedPerMinute: Math.round(finished * 60) }),
    ...(origins !== undefined && { originsPerSecond: Math.round(origins) }),
    ...(backend !== undefined && { backendPerSecond: Math.round(backend) }),
  }
}
