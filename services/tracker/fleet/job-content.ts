import type { KeptJob, OrderItem } from '../../../lib/api/index.ts'
import { type Background, type Clock, type ErrorCode, isAppError, toAppError } from '../../../lib/base/index.ts'
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
}

/** Platforms of one job that are remembered; the one asked for first makes room. */
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

  const note = (key: string, entry: Entry) => {
    known.delete(key)
    for (const oldest of known.keys()) if (known.size >= MAX_REMEMBERED) known.delete(oldest)
    known.set(key, entry)
  }
  const look = (key: string, platforms: readonly string[]) => {
    tasks.run(`look for ${job.target}`, async (signal) => {
      try {
        note(key, { state: 'known', items: await walk(job, platforms, signal) })
      } catch (err) {
        if (signal.aborted) throw err
        const { code } = toAppError(err)
        const isFinal = isAppError(err) && !err.retryable
        logger.warn('failed to find out what an image consists of', { target: job.target, platforms, err })
        const againMs = clock.monotonicMs() + AGAIN_MS
        note(key, isFinal ? { state: 'failed', code } : { state: 'pending', code, againMs })
      }
      onSettled()
    })
  }
  return {
    of(platform) {
      const platforms = job.platforms ?? [platform]
      const key = job.manifest === undefined ? '' : platforms.join()
      const found = known.get(key)
      if (found !== undefined && (found.againMs ?? Number.POSITIVE_INFINITY) > clock.monotonicMs()) return found
      const pending: Entry = { ...found, state: 'pending', againMs: Number.POSITIVE_INFINITY }
      note(key, pending)
      look(key, platforms)
      return pending
    },
  }
}
