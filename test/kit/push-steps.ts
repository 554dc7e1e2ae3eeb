import { Readable } from 'node:stream'
import type { Backend, Backends } from '../../lib/backend/index.ts'
import type { JournalStorage } from '../../lib/journal/index.ts'
import type { ManagedStore, Upload } from '../../lib/store/index.ts'
import { type Counter, type Metrics, silentMetrics } from '../../lib/telemetry/index.ts'
import type { OriginComponents } from '../../services/origin/index.ts'

/**
 * The steps of the origin that takes a push, in order, until the backend has the blob. The first half happens before
 * its answer.
 */
export const pushSteps = {
  beforeAnswer: [
    'before the copy to the other owner',
    'amid the copy to the other owner',
    'before the commit of its own copy',
    'after the commit of its own copy',
    'before its task is added',
    'after its task is added',
    'before the answer',
  ],
  afterAnswer: [
    'before the write to the backend',
    'amid the write to the backend',
    'after the write to the backend',
    'before its task is removed',
    'after its task is removed',
  ],
} as const

export type PushStep = (typeof pushSteps)[keyof typeof pushSteps][number]

type Reach = (step: PushStep) => void

/** The same object with some methods replaced. */
function withMethods<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      const replaced: unknown = Reflect.get(methods, name)
      if (replaced !== undefined) return replaced
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value
    },
  })
}

/** The same bytes; calls `atHalf` when half of them were read. */
function halved(source: Readable | Uint8Array, size: number, atHalf: () => void): Readable {
  const chunks = source instanceof Readable ? (source as AsyncIterable<Uint8Array>) : [source]
  async function* passed() {
    let bytes = 0
    for await (const chunk of chunks) {
      yield chunk
      bytes += chunk.byteLength
      if (bytes * 2 >= size) atHalf()
    }
  }
  return Readable.from(passed(), { objectMode: false })
}

const storeWith = (reach: Reach) => (store: ManagedStore) => {
  const uploadWith = (upload: Upload) =>
    withMethods(upload, {
      read(options) {
        reach('before the copy to the other owner')
        return halved(upload.read(options), upload.size, () => reach('amid the copy to the other owner'))
      },
      async commit(digest) {
        reach('before the commit of its own copy')
        const stored = await upload.commit(digest)
        reach('after the commit of its own copy')
        return stored
      },
    })
  return withMethods(store, { upload: async (id) => uploadWith(await store.upload(id)) })
}

const journalWith = (reach: Reach) => (storage: JournalStorage) =>
  withMethods(storage, {
    async write(changes, options) {
      const isRemoval = changes.every(({ value }) => value === undefined)
      reach(isRemoval ? 'before its task is removed' : 'before its task is added')
      await storage.write(changes, options)
      reach(isRemoval ? 'after its task is removed' : 'after its task is added')
    },
  })

function backendsWith(reach: Reach, backends: Backends): Backends {
  const backendWith = (backend: Backend) =>
    withMethods(backend, {
      async write(key, source, options) {
        reach('before the write to the backend')
        const body = halved(source, options.size, () => reach('amid the write to the backend'))
        const written = await backend.write(key, body, options)
        reach('after the write to the backend')
        return written
      },
    })
  return withMethods(backends, { backendFor: (repository) => backendWith(backends.backendFor(repository)) })
}

/** Metrics that report a step: a push is counted when everything is done except the answer. */
function metricsWith(reach: Reach): Metrics {
  const silent = silentMetrics()
  const counted: Counter = { add: () => reach('before the answer') }
  return withMethods(silent, {
    counter: (init, labels) =>
      init.name === 'shoal_pushes_total'
        ? { with: () => counted, drop: () => undefined }
        : silent.counter(init, labels),
  })
}

/** Parts of an origin that report each step of a push. */
export function reportingParts(reach: Reach, backends: Backends): OriginComponents {
  return {
    wrapStore: storeWith(reach),
    wrapJournal: journalWith(reach),
    backends: backendsWith(reach, backends),
    metrics: metricsWith(reach),
  }
}
