import { appError, onAbort, throwIfAborted } from '../../../lib/base/index.ts'
import type {
  Kube,
  KubeObject,
  KubeWrites,
  ObjectRef,
  Resource,
  Selection,
  WatchEvent,
} from '../../../services/controller/kubernetes/index.ts'
import { errorFromStatus } from '../../../services/controller/kubernetes/kube-error.ts'
import { type Kind, knownKinds } from '../kube-server/kinds.ts'
import { KubeStore, storeKey } from '../kube-server/kube-store.ts'
import { Operations, type Write } from '../kube-server/operations.ts'
import { Refusal, statusOf } from '../kube-server/refusal.ts'
import { labelTest } from '../kube-server/selectors.ts'
import type { Fields, Stored } from '../kube-server/stored.ts'

/** A call of the API, before it is done. */
export interface MemoryCall {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'merge' | 'apply' | 'delete'
  readonly resource: Resource
  readonly namespace: string | undefined
  readonly name: string | undefined
}

/** `before`: it is not done. `after`: it is done, and its answer is lost. `hang`: it is answered when it is given up. */
export type MemoryFault = 'before' | 'after' | 'hang' | undefined

/** The store and the rules of the small API server without sockets, so that a fake clock rules it. */
export interface MemoryKube extends Kube {
  readonly store: KubeStore
  fault: (call: MemoryCall) => MemoryFault
  /** All writes that were sent, the last one at the end. */
  readonly written: MemoryCall[]
  kindOf(resource: Resource): Kind
  all(resource: Resource): readonly Stored[]
  put(resource: Resource, object: object): Stored
  drop(resource: Resource, name: string, namespace?: string): void
}

const unavailable = () => appError('KUBE_UNAVAILABLE')

export function memoryKube(custom: readonly Kind[], namespace = 'shoal-system'): MemoryKube {
  const store = new KubeStore()
  const operations = new Operations(store)
  const kinds = [...knownKinds, ...custom]
  const kindOf = ({ group, plural }: Resource): Kind => {
    const found = kinds.find((kind) => kind.group === group && kind.plural === plural)
    if (found === undefined) throw new Error(`the test knows no ${plural}`)
    return found
  }
  const namespaces = knownKinds[0] as Kind
  const written: MemoryCall[] = []

  const done = async <T>(call: MemoryCall, signal: AbortSignal | undefined, work: () => T): Promise<T> => {
    throwIfAborted(signal)
    await Promise.resolve()
    const fault = kube.fault(call)
    if (fault === 'hang') await hung(signal)
    if (fault === 'before') throw unavailable()
    if (call.verb !== 'get' && call.verb !== 'list' && call.verb !== 'watch') written.push(call)
    try {
      const answer = work()
      if (fault === 'after') throw unavailable()
      return answer
    } catch (err) {
      if (err instanceof Refusal) throw errorFromStatus(err.code, statusOf(err))
      throw err
    }
  }
  const placeOf = (resource: Resource, ref: ObjectRef) =>
    resource.namespaced ? (ref.namespace ?? namespace) : undefined
  const callOf = (verb: MemoryCall['verb'], resource: Resource, ref: ObjectRef): MemoryCall => ({
    ...{ verb, resource, namespace: placeOf(resource, ref), name: ref.name },
  })
  const writeOf = (resource: Resource, ref: ObjectRef, more: Partial<Write> = {}): Write => ({
    ...{ kind: kindOf(resource), namespace: placeOf(resource, ref), name: ref.name },
    ...{ manager: 'shoal-controller', dryRun: false },
    ...more,
  })
  const part = (options: { readonly subresource?: 'status' }) =>
    options.subresource === undefined ? {} : { subresource: options.subresource }
  const fields = (object: object) => object as Fields
  const told = (object: Stored) => object as unknown as KubeObject

  const writes: KubeWrites = {
    create: (resource, object, { signal } = {}) =>
      done(callOf('create', resource, object.metadata), signal, () =>
        told(operations.create(writeOf(resource, object.metadata), fields(object), namespaces)),
      ),
    replace: () => Promise.reject(new Error('accounts replace nothing')),
    merge: (resource, ref, patch, { signal, ...options } = {}) =>
      done(callOf('merge', resource, ref), signal, () =>
        told(operations.merge(writeOf(resource, ref, part(options)), fields(patch))),
      ),
    apply: (resource, object, { signal, manager, force = false, ...options }) =>
      done(callOf('apply', resource, object.metadata), signal, () =>
        told(
          operations.apply(
            writeOf(resource, object.metadata, { manager, ...part(options) }),
            fields(object),
            force,
            namespaces,
          ),
        ),
      ),
    remove: (resource, ref, { signal, uid, resourceVersion } = {}) =>
      done(callOf('delete', resource, ref), signal, () => {
        const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) }
        try {
          operations.remove(writeOf(resource, ref), { kind: 'DeleteOptions', preconditions })
        } catch (err) {
          if (!(err instanceof Refusal) || err.code !== 404) throw err
        }
      }),
  }
  const matching = (selection: Selection) => {
    const labels = labelTest(selection.labels)
    return (object: Stored) =>
      (selection.namespace === undefined || object.metadata.namespace === selection.namespace) && labels(object)
  }
  const kube: MemoryKube = {
    ...{ namespace, store, written, kindOf, writes },
    fault: () => undefined,
    start: async () => undefined,
    stop: async () => undefined,
    all: (resource) => store.all(kindOf(resource)),
    put(resource, object) {
      const { name, namespace: at } = (object as KubeObject).metadata
      return store.commit(
        kindOf(resource),
        storeKey(resource.namespaced ? at : undefined, name),
        fields(object),
      ) as Stored
    },
    drop: (resource, name, at) => void store.commit(kindOf(resource), storeKey(at, name), undefined),
    reads: {
      get: (resource, ref, { signal } = {}) =>
        done(callOf('get', resource, ref), signal, () =>
          told(operations.get(kindOf(resource), placeOf(resource, ref), ref.name)),
        ),
      page: (resource, query, { signal } = {}) =>
        done({ verb: 'list', resource, namespace: query.namespace, name: undefined }, signal, () => {
          const page = store.page(kindOf(resource), matching(query), {
            limit: query.limit,
            ...(query.next !== undefined && { next: query.next }),
          })
          return { objects: page.objects.map(told), resourceVersion: String(page.revision), next: page.next }
        }),
      watch: (resource, query, { signal } = {}) =>
        done({ verb: 'watch', resource, namespace: query.namespace, name: undefined }, signal, () =>
          changes(
            store,
            { kind: kindOf(resource), matches: matching(query), since: Number(query.resourceVersion) },
            signal,
          ),
        ),
    },
  }
  return kube
}

const hung = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => {
    onAbort(signal, () => reject(appError('ABORTED')))
  })

/** What a watch tells, until it is given up. */
async function* changes(
  store: KubeStore,
  {
    kind,
    matches,
    since,
  }: { readonly kind: Kind; readonly matches: (object: Stored) => boolean; readonly since: number },
  signal: AbortSignal | undefined,
): AsyncGenerator<WatchEvent> {
  const queue: WatchEvent[] = []
  let wake: () => void = () => undefined
  const unfollow = store.follow(since, ({ kind: of, now, before, revision }) => {
    if (of.plural !== kind.plural || of.group !== kind.group) return
    const [isIn, wasIn] = [now !== undefined && matches(now), before !== undefined && matches(before)]
    if (isIn) queue.push({ type: 'put', object: now as unknown as KubeObject, resourceVersion: String(revision) })
    else if (wasIn)
      queue.push({
        type: 'removed',
        object: (now ?? before) as unknown as KubeObject,
        resourceVersion: String(revision),
      })
    wake()
  })
  const takeBack = onAbort(signal, () => wake())
  try {
    for (;;) {
      throwIfAborted(signal)
      const next = queue.shift()
      if (next !== undefined) yield next
      else
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  } finally {
    unfollow()
    takeBack()
  }
}
