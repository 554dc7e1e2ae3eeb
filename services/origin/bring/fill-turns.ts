import { abortController, anySignal, throwIfAborted } from '../../../lib/base/index.ts'
import type { FillPace } from './fill-pace.ts'
import type { RunReads } from './run-reads.ts'

/** The bytes of one read that somebody may or may not have asked for. */
export interface FillTurns {
  /** Waits until the next bytes may be taken: at once when somebody asked for them. @throws ABORTED */
  next(bytes: number): Promise<void>
  /** Somebody may have asked meanwhile. */
  look(): void
}

export interface FillTurnsInit {
  readonly isAsked: () => boolean
  readonly reads: Pick<RunReads, 'begin'>
  /** The read is given up. */
  readonly signal: AbortSignal
}

export function fillTurns(pace: FillPace, { isAsked, reads, signal }: FillTurnsInit): FillTurns {
  const newWait = () => {
    const asked = abortController()
    return { asked, either: anySignal([signal, asked.signal]) }
  }
  let wait = newWait()
  return {
    async next(bytes) {
      while (!isAsked()) {
        if (wait.asked.signal.aborted) wait = newWait()
        const end = reads.begin('rate')
        try {
          await pace.take(bytes, { signal: wait.either })
          pace.onFilled(bytes)
          return
        } catch {
          throwIfAborted(signal)
        } finally {
          end()
        }
      }
    },
    look() {
      if (isAsked()) wait.asked.abort()
    },
  }
}
