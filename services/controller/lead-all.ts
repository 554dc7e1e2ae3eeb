import { abortController, anySignal, appError } from '../../lib/base/index.ts'
import type { Term } from './kubernetes/index.ts'
import type { Role } from './role.ts'

/**
 * Has all roles lead in one term. When one of them fails, the term ends for the others as well: whoever leads next does all
 * of it. @throws what the first role that failed has thrown, when all have ended
 */
export async function leadAll(roles: readonly Role[], term: Term): Promise<void> {
  const failed = abortController()
  const common: Term = {
    signal: anySignal([term.signal, failed.signal]),
    assert() {
      term.assert()
      if (failed.signal.aborted) throw appError('LEADERSHIP_LOST', { cause: failed.signal.reason })
    },
  }
  const led = roles.map(async (role) => {
    try {
      await role.lead(common)
    } catch (err) {
      if (!common.signal.aborted) failed.abort(err)
      throw err
    }
  })
  await Promise.allSettled(led)
  if (failed.signal.aborted) throw failed.signal.reason
}
