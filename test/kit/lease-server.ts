import { type AbortOptions, abortable, appError, type Clock, type Random } from '../../lib/base/index.ts'
import type { Kube, KubeObject } from '../../services/controller/kubernetes/index.ts'

/** The one lease that all candidates of a test stand for. */
export interface LeaseServer {
  /**
   * The API as one candidate has it: slow, and sometimes without an answer before or after what was asked is done; and
   * never with one while the candidate is cut off.
   */
  kubeFor(clock: Pick<Clock, 'sleep'>, random: Random, isCut: () => boolean): Pick<Kube, 'reads' | 'writes'>
  /** From now on every call is answered. */
  heal(): void
  readonly lease: KubeObject | undefined
}

/** How bad the way to it is. */
export interface LeaseTrouble {
  /** Longest delay of a call before and after it is done, milliseconds. */
  readonly mostDelayMs: number
  /** Share of calls that fail, before and after as well. */
  readonly failing: number
}

const BAD: LeaseTrouble = { mostDelayMs: 4_000, failing: 0.15 }

export function leaseServer({ mostDelayMs, failing }: LeaseTrouble = BAD): LeaseServer {
  let lease: KubeObject | undefined
  let version = 0
  let healed = false

  const put = (object: KubeObject): KubeObject => {
    version += 1
    lease = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } }
    return lease
  }
  const get = () => {
    if (lease === undefined) throw appError('KUBE_NOT_FOUND')
    return lease
  }
  const replace = (object: KubeObject) => {
    if (get().metadata.resourceVersion !== object.metadata.resourceVersion) throw appError('KUBE_CONFLICT')
    return put(object)
  }
  const create = (object: KubeObject) => {
    if (lease !== undefined) throw appError('KUBE_EXISTS')
    return put(object)
  }

  return {
    get lease() {
      return lease
    },
    heal() {
      healed = true
    },
    kubeFor(clock, random, isCut) {
      const delay = () => clock.sleep(healed ? 1 : random.next() ** 3 * mostDelayMs)
      const maybeFail = () => {
        if (!healed && (isCut() || random.next() < failing)) throw appError('KUBE_UNAVAILABLE')
      }
      const done = async (work: () => KubeObject): Promise<KubeObject> => {
        await delay()
        maybeFail()
        const answer = work()
        await delay()
        maybeFail()
        return answer
      }
      /** What was sent is done even when its sender has left. */
      const call = (work: () => KubeObject, { signal }: AbortOptions = {}) => abortable(done(work), signal)
      const never = () => Promise.reject(appError('KUBE_INVALID'))
      return {
        reads: { get: (_resource, _ref, options) => call(get, options), page: never, watch: never },
        writes: {
          create: (_resource, object, options) => call(() => create(object), options),
          replace: (_resource, object, options) => call(() => replace(object), options),
          ...{ merge: never, apply: never, remove: never },
        },
      }
    },
  }
}
