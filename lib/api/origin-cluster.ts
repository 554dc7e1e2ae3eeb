import { Readable } from 'node:stream'
import { type AbortOptions, appError, hasCode, throwIfAborted } from '../base/index.ts'
import { type Cluster, type FailedTry, type Member, memberClients, tryEach, usedUp } from '../cluster/index.ts'
import { type Digest, type Repository, rangeLength } from '../core/index.ts'
import type { HttpClient } from '../http/index.ts'
import { joinedBody, partOfBody } from './joined-body.ts'
import { originClient } from './origin.ts'
import type {
  AskedRange,
  BlobBody,
  DemandOptions,
  OpenHashesOptions,
  OpenUploadOptions,
  OriginClient,
  ReadBlobOptions,
  UploadState,
} from './origin-contract.ts'

/** How often one read may lose its connection, each time after new bytes, before it fails. */
const MAX_CUTS = 10

export interface OriginClusterComponents {
  readonly http: HttpClient
  /** The ring of origins, by digest. */
  readonly cluster: Cluster
}

export interface ElsewhereOptions extends OpenHashesOptions {
  /** Members whose streams have broken. */
  readonly after: readonly FailedTry[]
}

export interface MemberStream {
  readonly member: Member
  /** Must be consumed or destroyed. */
  readonly body: Readable
}

/**
 * All origins as one: each call goes to the members on the digest's ring in turn. An origin that does not have a blob
 * has also looked in the backend, so BLOB_UNKNOWN is believed when two origins say it, or the only one that answers.
 * @throws (all methods) NO_HEALTHY_MEMBER when no origin answers, ABORTED, and what an origin answers
 */
export interface OriginCluster {
  /** Undefined when the blob does not exist. With `keep` as at one origin. */
  statBlob(
    repository: Repository,
    digest: Digest,
    options?: AbortOptions & { readonly keep?: boolean | undefined },
  ): Promise<{ readonly size: number } | undefined>
  /**
   * Opens the blob at the first origin that has it. When that origin stops in the middle of the answer, the body
   * continues from the next one, so the reader gets one unbroken range, unverified. @throws BLOB_UNKNOWN,
   * RANGE_UNSATISFIABLE
   */
  readBlob(repository: Repository, digest: Digest, options?: Omit<ReadBlobOptions, 'hop'>): Promise<BlobBody>
  /** Says what is wanted first of a blob that the origins bring. @throws BLOB_UNKNOWN */
  demand(repository: Repository, digest: Digest, wanted: DemandOptions): Promise<void>
  /** The bytes of one metainfo stream; when it breaks, the caller opens it again. @throws BLOB_UNKNOWN */
  openMetainfo(repository: Repository, digest: Digest, options?: OpenHashesOptions): Promise<Readable>
  /**
   * Like `openMetainfo`, for a caller that tries another origin when the stream breaks: members of `after` are not
   * asked.
   */
  openMetainfoElsewhere(repository: Repository, digest: Digest, options: ElsewhereOptions): Promise<MemberStream>
  /** Opens an upload at a healthy origin; `key`, any random text, spreads uploads over the origins. */
  createUpload(repository: Repository, key: string, options?: OpenUploadOptions): Promise<UploadState>
  /** The member with that id, which gets the later requests of an upload; undefined when there is none. */
  at(memberId: string): OriginClient | undefined
}

export function originCluster({ http, cluster }: OriginClusterComponents): OriginCluster {
  const clients = memberClients(cluster, (url) => originClient(http, url))
  const client = (member: Member): OriginClient => clients.of(member)

  const openMetainfo = (repository: Repository, digest: Digest, { after, ...asked }: ElsewhereOptions) => {
    const open = async (member: Member): Promise<MemberStream> => {
      return { member, body: await client(member).openMetainfo(repository, digest, asked) }
    }
    return tryEach(cluster, digest, open, { signal: asked.signal, after, isDefinite: isFinalAtOrigins() })
  }

  return {
    async statBlob(repository, digest, options = {}) {
      const known = await tryEach(
        cluster,
        digest,
        async (member) =>
          (await client(member).statBlob(repository, digest, options)) ?? Promise.reject(unknown(digest)),
        { ...options, isDefinite: isFinalAtOrigins() },
      ).catch((err: unknown) => {
        if (hasCode(err, 'BLOB_UNKNOWN')) return undefined
        throw err
      })
      return known
    },
    readBlob: (repository, digest, options = {}) => resumingRead({ cluster, client, repository, digest }, options),
    demand: (repository, digest, wanted) =>
      tryEach(cluster, digest, (member) => client(member).demand(repository, digest, wanted), {
        ...{ signal: wanted.signal, isDefinite: isFinalAtOrigins() },
      }),
    openMetainfo: async (repository, digest, options = {}) =>
      (await openMetainfo(repository, digest, { ...options, after: [] })).body,
    openMetainfoElsewhere: openMetainfo,
    createUpload: (repository, key, options = {}) =>
      tryEach(cluster, key, (member) => client(member).createUpload(repository, options), options),
    at: (memberId) => clients.at(memberId),
  }
}

function unknown(digest: Digest) {
  return appError('BLOB_UNKNOWN', { detail: { digest } })
}

/** The rule of one call for `tryEach`: the second BLOB_UNKNOWN is believed, other final errors at once. */
export function isFinalAtOrigins(): (err: unknown) => boolean {
  let count = 0
  return (err) => {
    if (!hasCode(err, 'BLOB_UNKNOWN')) return hasCode(err, ...finalCodes)
    count += 1
    return count >= 2
  }
}

/** Errors that another origin would answer in the same way. */
const finalCodes = [
  'PULL_BLOCKED',
  'UPSTREAM_UNREACHABLE',
  'RANGE_UNSATISFIABLE',
  'RANGE_INVALID',
  'DIGEST_INVALID',
  'NAME_INVALID',
  'UNAUTHORIZED',
  'DENIED',
]

interface ReadTarget {
  readonly cluster: Cluster
  readonly client: (member: Member) => OriginClient
  readonly repository: Repository
  readonly digest: Digest
}

interface OpenRead {
  readonly member: Member
  readonly size: number
  readonly body: Readable
}

async function resumingRead(target: ReadTarget, options: Omit<ReadBlobOptions, 'hop'>): Promise<BlobBody> {
  const first = await openAt(target, options, [])
  const range = restOf(options.range ?? { start: 0, end: first.size }, first.size)
  const body = Readable.from(unbroken(target, first, range, options), { objectMode: false })
  // A body that is destroyed before its first read never enters the generator.
  body.once('close', () => first.body.destroy())
  return { size: first.size, body }
}

/** The range, which stands alone only if it is no whole body: of that, the rest may complete wrong content. */
function restOf({ standsAlone, ...range }: AskedRange, size: number): AskedRange {
  return { ...range, standsAlone: standsAlone === true && rangeLength(range) < size }
}

/** Opens the range at the first candidate that has not failed since the last bytes came. */
function openAt(
  { cluster, client, repository, digest }: ReadTarget,
  options: ReadBlobOptions,
  after: readonly FailedTry[],
): Promise<OpenRead> {
  const open = async (member: Member) => ({ member, ...(await client(member).readBlob(repository, digest, options)) })
  return tryEach(cluster, digest, open, { signal: options.signal, after, isDefinite: isFinalAtOrigins() })
}

/** Exactly the bytes of `range`; when a body ends early, goes on at another origin. See `joinedBody` for a whole blob. */
async function* unbroken(
  target: ReadTarget,
  first: OpenRead,
  range: AskedRange,
  options: ReadBlobOptions,
): AsyncGenerator<Uint8Array> {
  const { asker, priority, pullClass, signal } = options
  const rest = { asker, priority, pullClass, signal }
  const joined = rangeLength(range) === first.size ? joinedBody(target.digest, first.size) : partOfBody
  let open = first
  let offset = range.start
  let failed: FailedTry[] = []
  for (let cuts = 0; ; cuts += 1) {
    const before = offset
    let cause: unknown
    try {
      for await (const chunk of open.body as AsyncIterable<Uint8Array>) {
        offset += chunk.byteLength
        if (offset > range.end) throw appError('SIZE_INVALID', { detail: { member: open.member.id } })
        yield* joined.take(chunk)
      }
    } catch (err) {
      if (hasCode(err, 'SIZE_INVALID')) throw err
      cause = err
    } finally {
      open.body.destroy()
    }
    if (offset >= range.end) {
      yield* joined.end()
      return
    }
    joined.broken()
    throwIfAborted(signal)
    const err = appError('PEER_CLOSED', { message: 'the origin stopped in the middle of the blob', cause })
    target.cluster.report(open.member.id, 'failed')
    // After new bytes, the failed origins may be tried again; so may this one, when there are no others.
    failed = offset > before ? [] : failed
    if (target.cluster.members.length > 1 || offset === before) failed = [...failed, { member: open.member, err }]
    if (cuts >= MAX_CUTS) throw usedUp(failed)
    open = await openAt(target, { ...rest, range: { ...range, start: offset } }, failed)
  }
}
