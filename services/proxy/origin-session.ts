import type { OpenUploadOptions, OriginClient, OriginCluster, UploadState } from '../../lib/api/index.ts'
import { type AbortOptions, appError, hasCode, isAbort, type Random } from '../../lib/base/index.ts'
import { type Cluster, isMemberFailure } from '../../lib/cluster/index.ts'
import type { Digest, Repository } from '../../lib/core/index.ts'
import type { UploadKey } from '../../lib/registry/index.ts'
import { fromCluster } from './cluster-error.ts'

export interface OriginSessionComponents {
  readonly origins: OriginCluster
  /** The ring of the origins; it learns here when the origin of a session fails. */
  readonly cluster: Cluster
  readonly random: Random
}

/** Upload sessions; each lives on the one origin that opened it. */
export interface OriginSessions {
  open(repository: Repository, options: OpenUploadOptions): Promise<UploadState>
  /**
   * Calls the origin that holds the session.
   * @throws BLOB_UPLOAD_UNKNOWN also when that origin is gone: the bytes are lost, and the client must start again. An
   *   origin that is only late may still have them: REQUEST_TIMEOUT, STALLED
   */
  at<T>(key: UploadKey, options: AbortOptions, call: (client: OriginClient) => Promise<T>): Promise<T>
  /** Opens a session, sends the given bytes, and closes it; when the origin dies or is late, starts again at another origin. */
  push(
    repository: Repository,
    content: { readonly digest: Digest; readonly bytes: Uint8Array } & AbortOptions,
  ): Promise<void>
}

export function originSessions({ origins, cluster, random }: OriginSessionComponents): OriginSessions {
  const open = (repository: Repository, options: OpenUploadOptions) =>
    fromCluster(origins.createUpload(repository, Buffer.from(random.bytes(12)).toString('hex'), options))

  const at: OriginSessions['at'] = async (key, { signal }, call) => {
    const client = origins.at(key.member)
    if (client === undefined) throw lost(key)
    try {
      return await fromCluster(call(client), 'BLOB_UPLOAD_UNKNOWN', 'DIGEST_INVALID', 'SIZE_INVALID', 'UPLOAD_OFFSET')
    } catch (err) {
      if (isAbort(err) || signal?.aborted === true) throw err
      if (isMemberFailure(err)) cluster.report(key.member, 'failed')
      throw hasCode(err, 'PEER_CLOSED', 'TLS_UNTRUSTED') ? lost(key, err) : err
    }
  }

  return {
    open,
    at,
    async push(repository, { digest, bytes, signal }) {
      for (let left = cluster.members.length; ; left -= 1) {
        const session = await open(repository, { signal })
        try {
          await at(session, { signal }, async (client) => {
            await client.appendUpload(repository, session.id, { offset: 0, body: bytes, signal })
            await client.commitUpload(repository, session.id, { digest, signal })
          })
          return
        } catch (err) {
          if (left <= 1 || !hasCode(err, 'BLOB_UPLOAD_UNKNOWN', 'REQUEST_TIMEOUT', 'STALLED')) throw err
        }
      }
    },
  }
}

function lost({ id, member }: UploadKey, cause?: unknown) {
  const message = 'the node that holds the upload does not answer; start a new upload'
  return appError('BLOB_UPLOAD_UNKNOWN', { message, detail: { session: id, member }, cause })
}
