import { type AbortOptions, type AppError, appError, type ErrorCode, errorTable } from '../base/index.ts'
import { type Cluster, type Member, tryEach } from '../cluster/index.ts'
import { type Digest, type Repository, repositoryText } from '../core/index.ts'
import type { HttpClient } from '../http/index.ts'
import { jsonBody, send } from './answer.ts'
import {
  MAX_SEND_LINE,
  type SendEnd,
  type SendProgress,
  type SendTarget,
  sendEndSchema,
  sendProgressSchema,
} from './blob-send.ts'
import { jsonLines } from './json-lines.ts'
import { isFinalAtOrigins } from './origin-cluster.ts'
import { originTimeouts } from './origin-contract.ts'
import { path } from './path.ts'
import { parseAnswer } from './schemas.ts'

export interface SendOptions extends AbortOptions {
  /** Called before the first byte is sent, and then about once in a second. Whoever keeps `upload` can go on with it. */
  readonly onProgress?: (progress: SendProgress) => void
}

/** Makes the origins of this cluster send blobs to an origin of another one. */
export interface BlobSender {
  /**
   * Returns when the far cluster has the blob. Asks the owners of the digest in turn; when one stops in the middle, the
   * next one goes on with the upload. An abort ends the send and leaves the upload to be gone on with.
   * @throws BLOB_UNKNOWN when this cluster does not have it, LISTENER_BUSY, NO_HEALTHY_MEMBER, ABORTED; with `at: far` in
   * the detail, what the far origin answered or how it failed
   */
  send(
    repository: Repository,
    digest: Digest,
    target: SendTarget,
    options?: SendOptions,
  ): Promise<{ readonly size: number }>
}

export interface BlobSenderComponents {
  /** Shows the secret of this cluster's services. */
  readonly http: HttpClient
  /** The ring of origins, by digest. */
  readonly cluster: Cluster
}

export function blobSender({ http, cluster }: BlobSenderComponents): BlobSender {
  return {
    async send(repository, digest, target, { onProgress, signal } = {}) {
      let { upload } = target
      const note = (progress: SendProgress) => {
        upload = progress.upload
        onProgress?.(progress)
      }
      const at = async (member: Member): Promise<SendEnd> => {
        const url = member.url + path`/namespace/${repositoryText(repository)}/blobs/${digest}/send`
        const now = { ...target, repository: repositoryText(target.repository), ...(upload && { upload }) }
        const { headers, body } = jsonBody(now)
        const request = { method: 'POST', url, lane: 'download', headers, body, signal } as const
        const answer = await send(http, { ...request, headersTimeoutMs: originTimeouts.bringMs })
        for await (const line of jsonLines(answer.body, MAX_SEND_LINE)) {
          const progress = sendProgressSchema.safeParse(line)
          if (progress.success) note(progress.data)
          else return settled(parseAnswer(sendEndSchema, line))
        }
        throw appError('PEER_CLOSED', { message: 'the origin stopped in the middle of the send' })
      }
      const end = await tryEach(cluster, digest, at, { signal, isDefinite: isFinalAtOrigins() })
      if ('error' in end) throw errorOf(end)
      return { size: end.size }
    },
  }
}

type Failed = Extract<SendEnd, { readonly error: unknown }>

/** What the near origin failed at, another one may do; what the far one says, it says to all. */
function settled(end: SendEnd): SendEnd {
  if ('error' in end && end.error.at === 'near') throw errorOf(end)
  return end
}

function errorOf({ error: { code, message, at } }: Failed): AppError {
  const known = Object.hasOwn(errorTable, code) ? (code as ErrorCode) : 'UNKNOWN'
  return appError(known, { message, detail: { at } })
}
