import { type AbortOptions, appError, type Clock, type Startable, throwIfAborted } from '../../base/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import type { Backend, ObjectPage } from '../backend.ts'
import type { BackendOperation, Governor } from '../governor.ts'
import { checkKey, checkPrefix } from '../key.ts'
import { DEFAULT_PAGE } from '../object-page.ts'
import { owningSource } from '../receive.ts'
import type { MultipartApi, ObjectApi } from './object-api.ts'
import { type ObjectReaderInit, objectReader } from './object-reader.ts'
import { type Expectation, objectWriter } from './object-writer.ts'
import type { PartPlan } from './part-plan.ts'

export interface ObjectStoreComponents extends Startable {
  readonly objects: ObjectApi
  readonly multipart: MultipartApi
  readonly governor: Governor
  readonly logger: Logger
  readonly clock: Clock
}

export interface ObjectStoreInit extends PartPlan, Pick<ObjectReaderInit, 'runBytes'> {
  /**
   * False for a backend without `ifAbsent` and `ifMatch`: then the object is checked right before it is written, so two
   * simultaneous writers may both succeed.
   */
  readonly atomicConditions: boolean
  /** False for a backend whose deletions have no `ifMatch`: there the object is checked right before it is removed. */
  readonly atomicDeletes: boolean
}

/** Most keys that one request may list. */
const MAX_KEYS = 1000

/**
 * A backend of objects over HTTP. A read takes one request per part, and reads each byte once; a write of up to
 * `partBytes` takes one request. Each read and each write holds up to `partBytes * parallel` bytes in memory.
 *
 * A conditional write whose answer was lost is sent again, and its own first attempt may then make it fail:
 * BACKEND_PRECONDITION_FAILED means "read it again", not "somebody else won".
 */
export function objectStoreBackend(components: ObjectStoreComponents, init: ObjectStoreInit): Backend {
  const { objects, governor } = components
  const request = <T>(operation: BackendOperation, { signal }: AbortOptions, work: (at: AbortSignal) => Promise<T>) =>
    governor.request(operation, work, signal === undefined ? {} : { signal })
  const stat = (key: string, options: AbortOptions) =>
    request('stat', options, (signal) => objects.head(key, { signal }))

  const expect = async (key: string, { ifAbsent, ifMatch, ...options }: Expectation) => {
    if (ifAbsent !== true && ifMatch === undefined) return
    const found = await stat(key, options)
    if (ifAbsent === true ? found !== undefined : found?.etag !== ifMatch) throw appError('BACKEND_PRECONDITION_FAILED')
  }

  const reader = objectReader(components, init)
  const writer = objectWriter(components, { ...init, expect })

  return {
    start: () => components.start(),
    stop: () => components.stop(),
    async stat(key, options = {}) {
      checkKey(key)
      throwIfAborted(options.signal)
      return stat(key, options)
    },
    async read(key, options = {}) {
      checkKey(key)
      throwIfAborted(options.signal)
      return reader.open({ ...options, key })
    },
    write: (key, source, options) =>
      owningSource(source, async () => {
        checkKey(key)
        throwIfAborted(options.signal)
        return writer.write(key, source, options)
      }),
    async list(prefix, options = {}) {
      checkPrefix(prefix)
      throwIfAborted(options.signal)
      return listed((page) => request('list', options, (signal) => objects.list(prefix, { ...page, signal })), options)
    },
    async delete(key, { ifMatch, ...options } = {}) {
      checkKey(key)
      throwIfAborted(options.signal)
      const remove = (condition: { readonly ifMatch?: string }) =>
        request('delete', options, (signal) => objects.delete(key, { ...condition, signal }))
      if (ifMatch === undefined) return remove({})
      // A missing object is not refused. Backends without conditional delete ignore the condition, so an object that is
      // replaced between the two requests is removed there.
      const found = await stat(key, options)
      if (found === undefined) return
      if (found.etag !== ifMatch) throw appError('BACKEND_PRECONDITION_FAILED')
      return remove(init.atomicDeletes ? { ifMatch } : {})
    },
  }
}

/** Sends as many requests as the page needs. */
async function listed(
  ask: (page: { readonly limit: number; readonly after?: string }) => Promise<ObjectPage>,
  { after = '', limit = DEFAULT_PAGE }: { readonly after?: string; readonly limit?: number },
): Promise<ObjectPage> {
  const most = Math.max(1, limit)
  const keys: string[] = []
  for (let from = after; ; ) {
    const size = Math.min(MAX_KEYS, most - keys.length)
    const page = await ask({ limit: size, ...(from === '' ? {} : { after: from }) })
    keys.push(...page.keys)
    if (page.next === undefined || keys.length >= most) return { keys, next: page.next }
    from = page.next
  }
}
