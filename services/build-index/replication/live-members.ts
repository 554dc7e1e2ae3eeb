import type { Backend } from '../../../lib/backend/index.ts'
import type { AbortOptions, Clock, Random } from '../../../lib/base/index.ts'
import { keyPages } from '../key-pages.ts'

/** Leases after which the trace of a member that is gone is removed. */
const FORGOTTEN_AFTER = 20

export interface LiveMembersComponents {
  readonly backend: Backend
  readonly clock: Clock
  readonly random: Random
}

/** How many processes share the work. Each writes an object of its own again and again; whose object stays is gone. */
export interface LiveMembers {
  /** Says that this one lives, and counts those that do; at least 1. */
  look(options: AbortOptions): Promise<number>
  leave(): Promise<void>
}

export function liveMembers(
  { backend, clock, random }: LiveMembersComponents,
  { self, leaseMs, prefix }: { readonly self: string; readonly leaseMs: number; readonly prefix: string },
): LiveMembers {
  const own = prefix + self
  const seen = new Map<string, { readonly etag: string; readonly sinceMs: number }>()

  const lives = async (key: string, options: AbortOptions) => {
    const found = await backend.stat(key, options)
    if (found === undefined) return void seen.delete(key)
    const before = seen.get(key)
    const nowMs = clock.monotonicMs()
    if (before?.etag !== found.etag) {
      seen.set(key, { etag: found.etag, sinceMs: nowMs })
      return key
    }
    const ageMs = nowMs - before.sinceMs
    if (ageMs >= leaseMs * FORGOTTEN_AFTER) await backend.delete(key, options)
    return ageMs < leaseMs ? key : undefined
  }

  return {
    async look(options) {
      const beat = random.bytes(12)
      await backend.write(own, beat, { ...options, size: beat.length })
      const live = new Set([own])
      for await (const keys of keyPages(backend, prefix, options)) {
        for (const key of keys) {
          const found = key === own ? own : await lives(key, options)
          if (found !== undefined) live.add(found)
        }
      }
      return live.size
    },
    leave: () => backend.delete(own),
  }
}
