import {
  type AbortOptions,
  abortController,
  anySignal,
  type Clock,
  countCache,
  hasCode,
  isAppError,
  throwIfAborted,
} from '../../../lib/base/index.ts'
import { type Repository, repositoryText } from '../../../lib/core/index.ts'

/** So long a build-index may take before what was proven earlier is taken for its answer. */
const PATIENCE_MS = 2_000
/** After a look that nobody answered, what was proven earlier in that repository is taken for so long without a look. */
const OUT_MS = 1_000
/** Repositories of which that is known; the next one is asked for. */
const MAX_OUT = 1_000

/** One question to the build-indexes, and what answers it when they are out. */
export interface Question<T> {
  readonly repository: Repository
  /** Undefined when they say that there is nothing. */
  ask(signal: AbortSignal): Promise<T | undefined>
  /** What was proven earlier; undefined when that is nothing. */
  earlier(): Promise<T | undefined>
}

/** Asks the build-indexes, and gives what was proven earlier while they are out. */
export interface Outage {
  /**
   * Undefined when the build-indexes say that there is nothing. A question that they refuse because this agent has asked
   * for too much is answered by what was proven earlier, too; the next one is asked all the same. @throws ABORTED, and what
   * they answer or fail with where nothing was proven earlier
   */
  answer<T>(question: Question<T>, options?: AbortOptions): Promise<T | undefined>
}

/** That a caller left, was refused, or asked for too much says nothing of the build-indexes. */
const isOut = (err: unknown): boolean => !isAppError(err) || (err.status >= 500 && !hasCode(err, 'BACKEND_DENIED'))

/** What happens in one repository says nothing of another one: nobody can have the others' proofs count for longer. */
export function outage(clock: Clock): Outage {
  const outIn = countCache<true>(clock, { ttlMs: OUT_MS, maxEntries: MAX_OUT })

  return {
    async answer<T>(question: Question<T>, { signal }: AbortOptions = {}): Promise<T | undefined> {
      throwIfAborted(signal)
      const name = repositoryText(question.repository)
      const out = () => outIn.set(name, true)
      if (outIn.get(name) === true) {
        const known = await question.earlier()
        if (known !== undefined) return known
      }
      const left = abortController()
      const either = signal === undefined ? left.signal : anySignal([signal, left.signal])
      const asked = question.ask(either)
      const late = clock.sleep(PATIENCE_MS, { signal: either }).then(async () => {
        const known = await question.earlier()
        if (known === undefined) return asked
        out()
        return known
      })
      late.catch(() => undefined)
      try {
        return await Promise.race([asked, late])
      } catch (err) {
        throwIfAborted(signal)
        const isRefused = hasCode(err, 'TOOMANYREQUESTS')
        if (!isRefused && !isOut(err)) throw err
        const known = await question.earlier()
        if (known === undefined) throw err
        if (!isRefused) out()
        return known
      } finally {
        left.abort()
      }
    },
  }
}
