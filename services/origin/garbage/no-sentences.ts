import type { Backend } from '../../../lib/backend/index.ts'
import { type AbortOptions, type Clock, isAbort, isAppError, singleFlight } from '../../../lib/base/index.ts'

/** A look for sentences counts for so long; a sentence that comes meanwhile is carried out an hour later at the earliest. */
const LOOK_MS = 60_000

/** Backends in which nothing is condemned, so that nobody has to ask for each blob. */
export interface NoSentences {
  /**
   * When a look began that found the backend without any sentence, by the monotonic clock; at most `LOOK_MS` ago.
   * Undefined when there are some, or the backend cannot tell. @throws what the backend throws, ABORTED
   */
  since(backend: Backend, options: AbortOptions): Promise<number | undefined>
  /** This process has just condemned a blob there. */
  forget(backend: Backend): void
}

interface Look {
  readonly beganMs: number
  readonly isEmpty: boolean
}

export interface NoSentencesInit {
  /** Of the keys of all sentences. */
  readonly prefix: string
  /** Default `LOOK_MS`. */
  readonly lookMs?: number | undefined
}

export function noSentences(
  { clock }: { readonly clock: Clock },
  { prefix, lookMs = LOOK_MS }: NoSentencesInit,
): NoSentences {
  const latest = new WeakMap<Backend, Look>()
  const looks = singleFlight<Backend, Look>()

  const look = async (backend: Backend, signal: AbortSignal): Promise<Look> => {
    const beganMs = clock.monotonicMs()
    const isEmpty = await backend.list(prefix, { limit: 1, signal }).then(
      ({ keys }) => keys.length === 0,
      (err: unknown) => {
        // Some backends cannot list, and some let nobody list who may read.
        if (isAppError(err) && !err.retryable && !isAbort(err)) return false
        throw err
      },
    )
    const found = { beganMs, isEmpty }
    latest.set(backend, found)
    return found
  }

  return {
    async since(backend, options) {
      const known = latest.get(backend)
      const isFresh = known !== undefined && clock.monotonicMs() - known.beganMs <= lookMs
      const { beganMs, isEmpty } = isFresh
        ? known
        : await looks.run(backend, (signal) => look(backend, signal), options)
      return isEmpty ? beganMs : undefined
    },
    forget: (backend) => void latest.delete(backend),
  }
}
