import { anySignal, appError } from '../../../lib/base/index.ts'
import type { Term } from './election.ts'
import type { KubeWrites, WriteOptions } from './kube.ts'

/** The same writes for a leader alone: @throws LEADERSHIP_LOST once the term is over, also for those that are under way */
export function fencedWrites(writes: KubeWrites, term: Term): KubeWrites {
  const fenced = async <O extends WriteOptions, T>(options: O, write: (options: O) => Promise<T>): Promise<T> => {
    term.assert()
    const { signal } = options
    try {
      return await write({ ...options, signal: signal === undefined ? term.signal : anySignal([term.signal, signal]) })
    } catch (err) {
      if (term.signal.aborted) throw appError('LEADERSHIP_LOST', { cause: err })
      throw err
    }
  }
  return {
    create: (resource, object, options = {}) => fenced(options, (own) => writes.create(resource, object, own)),
    replace: (resource, object, options = {}) => fenced(options, (own) => writes.replace(resource, object, own)),
    merge: (resource, ref, patch, options = {}) => fenced(options, (own) => writes.merge(resource, ref, patch, own)),
    apply: (resource, object, options) => fenced(options, (own) => writes.apply(resource, object, own)),
    remove: (resource, ref, options = {}) => fenced(options, (own) => writes.remove(resource, ref, own)),
  }
}
