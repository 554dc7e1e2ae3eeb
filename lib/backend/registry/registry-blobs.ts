import { type AbortOptions, appError } from '../../base/index.ts'
import type { Digest } from '../../core/index.ts'
import type { ObjectRead, ReadObjectOptions } from '../backend.ts'
import { objectFrom, rangeHeader, sizeOf } from '../web/object-answer.ts'
import { type RegistryPartComponents, removed } from './registry-manifests.ts'
import { scopes } from './registry-session.ts'

/** Blobs of one repository. Every method: @throws BACKEND_UNAVAILABLE, BACKEND_DENIED, BACKEND_THROTTLED, ABORTED. */
export interface RegistryBlobs {
  /** Size in bytes; undefined when there is no such blob. */
  size(digest: Digest, options?: AbortOptions): Promise<number | undefined>
  /** The blob or a non-empty range of it. @throws RANGE_UNSATISFIABLE */
  open(digest: Digest, options?: Omit<ReadObjectOptions, 'as'>): Promise<ObjectRead | undefined>
  /** False when there was no such blob. @throws UNSUPPORTED when the registry does not delete */
  remove(digest: Digest, options?: AbortOptions): Promise<boolean>
}

export function registryBlobs(components: RegistryPartComponents, repository: string): RegistryBlobs {
  const { session, governor } = components
  const scope = scopes.pull(repository)
  const at = (digest: Digest) => `${repository}/blobs/${digest}`

  const sized = async (digest: Digest, signal: AbortSignal): Promise<number | undefined> => {
    const head = await session.find({ method: 'HEAD', at: at(digest), scope, signal })
    if (head === undefined) return undefined
    await head.discard()
    const size = sizeOf(head)
    if (size === undefined) throw appError('BACKEND_UNAVAILABLE', { message: 'the registry does not give the length' })
    return size
  }

  return {
    size: (digest, options = {}) => governor.request('stat', (signal) => sized(digest, signal), options),
    async open(digest, { range, ...options } = {}) {
      const headers = rangeHeader(range)
      const get = (signal: AbortSignal) => session.find({ method: 'GET', at: at(digest), headers, scope, signal })
      const answer = await governor.request('read', get, options)
      return answer && objectFrom(answer, { ...options, range, etag: digest, governor })
    },
    remove: (digest, options = {}) =>
      governor.request(
        'delete',
        (signal) => removed(components, { at: at(digest), scope: scopes.delete(repository), signal }),
        options,
      ),
  }
}
