import { appError } from '../../../lib/base/index.ts'
import type { ManagedStore, StoreLimits } from '../../../lib/store/index.ts'

/** Wraps the store of a node so that under some limits, which it takes without a word, pulls fail. */
export const cursedStore =
  (isCursed: (limits: Parameters<StoreLimits['setLimits']>[0]) => boolean) =>
  (store: ManagedStore): ManagedStore => {
    const plain = store as ManagedStore & StoreLimits
    const setLimits = plain.setLimits.bind(plain)
    let cursed = false
    plain.setLimits = (limits) => {
      cursed = isCursed(limits)
      setLimits(limits)
    }
    return new Proxy(store, {
      get(target, name) {
        if (name === 'stat' && cursed)
          return async () => {
            throw appError('STORE_CORRUPT')
          }
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? (value as () => unknown).bind(target) : value
      },
    })
  }
