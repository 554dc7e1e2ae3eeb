import { abortController, type Startable, untilAborted } from '../../../lib/base/index.ts'
import type { Term } from '../kubernetes/index.ts'
import type { Keeper } from './keeper.ts'

/** Gives the keeper its right to write, and takes it back. */
export interface Mandates extends Startable {
  /** For the whole of a term; resolves when it has ended. */
  lead(term: Term): Promise<void>
  /** What is known of the cluster is up to date again, or no more. */
  freshness(isFresh: boolean): void
}

/**
 * Who leads may write. Whoever led until the API server fell silent may go on to take out caches that do not answer: a
 * lease cannot be renewed then, nor taken over. It ends when the API server is heard again.
 */
export function mandates(keeper: Pick<Keeper, 'empower'>): Mandates {
  let isFresh = false
  let isStopped = false
  let last: AbortController | undefined
  const endLast = () => {
    if (last === undefined) return
    last.abort()
    last = undefined
    keeper.empower(undefined)
  }
  return {
    async lead(term) {
      const { signal } = term
      endLast()
      keeper.empower({ power: 'leader', signal, assert: () => term.assert() })
      await untilAborted(signal)
      keeper.empower(undefined)
      if (isFresh || isStopped) return
      last = abortController()
      keeper.empower({ power: 'last', signal: last.signal, assert: () => undefined })
    },
    freshness(fresh) {
      isFresh = fresh
      if (fresh) endLast()
    },
    start: async () => {
      isStopped = false
    },
    stop: async () => {
      isStopped = true
      endLast()
    },
  }
}
