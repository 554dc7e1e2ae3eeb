import type { KeptJob, OrderItem } from '../../../lib/api/index.ts'
import {
  abortController,
  anySignal,
  type Background,
  type Clock,
  type ErrorCode,
  isAppError,
  toAppError,
} from '../../../lib/base/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'

/** Finds out what an image consists of for these platforms. */
export type Walk = (job: KeptJob, platforms: readonly string[], signal: AbortSignal) => Promise<readonly OrderItem[]>

/** What a host of some platform has to do with, if it is known. */
export type Content =
  | { readonly state: 'known'; readonly items: readonly OrderItem[] }
  /** It is being looked for, or will be again. */
  | { readonly state: 'pending'; readonly code?: ErrorCode }
  | { readonly state: 'failed'; readonly code: ErrorCode }

/** The blobs of one job, found once for each platform and not by each host. */
export interface JobContent {
  /** Begins to look for it when that is due. */
  of(platform: string): Content
  /** Begins nothing; undefined when nothing is known. */
  known(platform: string): Content | undefined
  /** The job has ended: nothing is looked for any more, and nothing is remembered. */
  drop(): void
}

/** Platforms of one job that are remembered, the one asked for first makes room; also those looked for at a time. */
const MAX_REMEMBERED = 16
/** Until the next try when the cluster could not say what the image consists of. */
const AGAIN_MS = 5_000

export interface JobContentComponents {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly logger: Logger
  readonly walk: Walk
  readonly tasks: Pick<Background, 'run'>
  /** The content of a platform has become known, or has failed. */
  readonly onSettled: () => void
}

type Entry = Content & { readonly againMs?: number }

export function jobContent(components: JobContentComponents, job: KeptJob): JobContent {
  const { clock, walk, tasks, onSettled, logger } = components
  const known = new Map<string, Entry>()
  const looking = new Set<string>()
  const over = abortController()

  const note = (key: string, entry: Entry) => {
    known.delete(key)
    for (const oldest of known.keys()) if (known.size >= MAX_REMEMBERED && !looking.has(oldest)) known.delete(oldest)
    known.set(key, entry)
  }
  const found = async (platforms: readonly string[], signal: AbortSignal): Promise<Entry> => {
    try {
      return { state: 'known', items: await walk(job, platforms, signal) }
    } catch (err) {
      if (signal.aborted) throw err
      const { code } = toAppError(err)
      logger.warn('failed to find out what an image consists of', { target: job.target, platforms, err })
      const isFinal = isAppError(err) && !err.retryable
      return isFinal ? { state: 'failed', code } : { state: 'pending', code, againMs: clock.monotonicMs() + AGAIN_MS }
    }
  }
  const look = (key: string, platforms: readonly string[]) => {
    looking.add(key)
    tasks.run(`look for ${job.target}`, async (signal) => {
      try {
        const entry = await found(platforms, anySignal([signal, over.signal]))
        looking.delete(key)
        if (over.signal.aborted) return
        note(key, entry)
        onSettled()
      } catch (err) {
        if (!over.signal.aborted) throw err
      } finally {
        looking.delete(key)
      }
    })
  }
  const keyOf = (platforms: readonly string[]) => (job.manifest === undefined ? '' : platforms.join())
  return {
    of(platform) {
      const platforms = job.platforms ?? [platform]
      const key = keyOf(platforms)
      const before = known.get(key)
      if (before !== undefined && (before.againMs ?? Number.POSITIVE_INFINITY) > clock.monotonicMs()) return before
      const pending: Entry = { ...before, state: 'pending', againMs: Number.POSITIVE_INFINITY }
      if (over.signal.aborted || looking.size >= MAX_REMEMBERED) return pending
      note(key, pending)
      look(key, platforms)
      return pending
    },
    known: (platform) => known.get(keyOf(job.platforms ?? [platform])),
    drop() {
      over.abort()
      known.clear()
    },
  }
}
