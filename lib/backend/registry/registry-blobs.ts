import { type AbortOptions, appError, hasCode } from '../../base/index.ts'
import { type ByteRange, type Digest, digestAlgorithm, rangeLength } from '../../core/index.ts'
import type { ObjectRead, ObjectStat, ReadObjectOptions } from '../backend.ts'
import { backendUnits } from '../units.ts'
import { objectFrom, rangeHeader, sizeOf } from '../web/object-answer.ts'
import type { WebAnswer } from '../web/web-client.ts'
import { type RangedBlobs, type RegistryPartComponents, removed } from './registry-manifests.ts'
import { scopes } from './registry-session.ts'

type OpenOptions = Omit<ReadObjectOptions, 'as'>

/** Blobs of one repository. Every method: @throws BACKEND_UNAVAILABLE, BACKEND_DENIED, BACKEND_THROTTLED, ABORTED. */
export interface RegistryBlobs {
  /** Size in bytes; undefined when there is no such blob. */
  size(digest: Digest, options?: AbortOptions): Promise<number | undefined>
  /** In which units a blob can be read that is about to be read. */
  begin(digest: Digest): Pick<ObjectStat, 'unitBytes' | 'runBytes' | 'isUnproven'>
  /**
   * Opens a blob that is about to be read: its first unit, and in which units the rest is read; or all of it, where it has
   * no more than one or the registry ignores ranges. Undefined when there is no such blob.
   */
  openFirst(digest: Digest, options?: Omit<OpenOptions, 'range' | 'orWhole'>): Promise<ObjectRead | undefined>
  /** The blob or a non-empty range of it. @throws RANGE_UNSATISFIABLE */
  open(digest: Digest, options?: OpenOptions): Promise<ObjectRead | undefined>
  /** False when there was no such blob. @throws UNSUPPORTED when the registry does not delete */
  remove(digest: Digest, options?: AbortOptions): Promise<boolean>
}

export function registryBlobs(components: RegistryPartComponents, repository: string): RegistryBlobs {
  const { session, governor, ranged } = components
  const { at, scope } = placeOf(repository)
  const answerOf = blobAnswers(components, repository)

  const sized = async (digest: Digest, signal: AbortSignal): Promise<number | undefined> => {
    const head = await session.find({ method: 'HEAD', at: at(digest), scope, signal })
    if (head === undefined) return undefined
    await head.discard()
    const size = sizeOf(head)
    if (size === undefined) throw appError('BACKEND_UNAVAILABLE', { message: 'the registry does not give the length' })
    return size
  }

  const blobs: RegistryBlobs = {
    size: (digest, options = {}) => governor.request('stat', (signal) => sized(digest, signal), options),
    begin: (digest) => ranged?.web.begin(webObject(ranged, at(digest))) ?? {},
    async openFirst(digest, options = {}) {
      const { unitBytes } = blobs.begin(digest)
      if (unitBytes === undefined) return blobs.open(digest, options)
      const most = { start: 0, end: unitBytes }
      const answer = await answerOf(digest, { ...options, range: most }).catch(ifEmpty)
      if (answer === 'empty') return blobs.open(digest, options)
      if (answer === undefined) return undefined
      const range = { start: 0, end: Math.min(unitBytes, sizeOf(answer) ?? unitBytes) }
      const object = objectFrom(answer, { ...options, range, orWhole: true, etag: digest, governor })
      const isFront = object.isWhole !== true && rangeLength(range) < object.size
      return { size: object.size, etag: digest, body: object.body, ...(isFront && backendUnits) }
    },
    async open(digest, options = {}) {
      const answer = await answerOf(digest, options)
      return answer && objectFrom(answer, { ...options, etag: digest, governor })
    },
    remove: (digest, options = {}) =>
      governor.request(
        'delete',
        (signal) => removed(components, { at: at(digest), scope: scopes.delete(repository), signal }),
        options,
      ),
  }
  return blobs
}

const placeOf = (repository: string) => ({
  at: (digest: Digest) => `${repository}/blobs/${digest}`,
  scope: scopes.pull(repository),
})

const webObject = ({ host }: RangedBlobs, at: string) => ({ id: `${host}/${at}`, host })

/** Asks for a blob or a range of it, where a redirect led the last time if that is known. */
function blobAnswers({ session, governor, ranged }: RegistryPartComponents, repository: string) {
  const { at, scope } = placeOf(repository)

  const sent = async (digest: Digest, range: ByteRange | undefined, signal: AbortSignal) => {
    const usual = (headers: Readonly<Record<string, string>>) =>
      session.find({ method: 'GET', at: at(digest), headers, scope, signal })
    if (range === undefined || ranged === undefined) return usual(rangeHeader(range))
    return ranged.web.get(webObject(ranged, at(digest)), range, {
      usual,
      there: (url, headers) => session.send({ method: 'GET', at: url, headers, scope, signal }),
    })
  }

  return (digest: Digest, { range, ...options }: OpenOptions): Promise<WebAnswer | undefined> =>
    governor.request(
      'read',
      async (signal) => {
        const answer = await sent(digest, range, signal)
        if (answer !== undefined) checkDigest(answer, digest)
        return answer
      },
      options,
    )
}

/** No range of a blob without bytes can be answered. */
function ifEmpty(err: unknown): 'empty' {
  if (hasCode(err, 'RANGE_UNSATISFIABLE')) return 'empty'
  throw err
}

/** @throws BACKEND_UNAVAILABLE when the registry says that it sends other content */
function checkDigest({ headers, body }: WebAnswer, digest: Digest): void {
  const said = headers['docker-content-digest']
  const isSameKind = said?.startsWith(`${digestAlgorithm(digest)}:`) === true
  if (!isSameKind || said === digest) return
  body.destroy()
  throw appError('BACKEND_UNAVAILABLE', { message: 'the registry sends another blob than asked for' })
}
