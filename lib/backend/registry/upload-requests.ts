import { Readable } from 'node:stream'
import { type AbortOptions, type AppError, appError, type Clock, deadline, hasCode } from '../../base/index.ts'
import type { Digest } from '../../core/index.ts'
import { mayLeadTo } from '../../http/index.ts'
import type { Governor } from '../governor.ts'
import { refusalOf, type WebAnswer } from '../web/web-client.ts'
import { type RegistryRequest, type RegistrySession, scopes } from './registry-session.ts'

/** Bytes passed to the connection at once; small, so that a slow connection shows progress. */
const SLICE_BYTES = 64 * 1024

/** How long we wait for the registry to forget a failed upload, in milliseconds. */
export const CANCEL_MS = 5_000

/** The state of an upload at the registry. */
export interface UploadPlace {
  /** The registry gives a new one with each answer; only the latest is valid. */
  readonly location: string
  /** Number of bytes that the registry has. */
  readonly offset: number
  /** Smallest size of every chunk but the last, in bytes. */
  readonly minChunk: number
}

/**
 * The single requests of an upload. Every method but `cancel`: @throws BACKEND_UNAVAILABLE, BACKEND_DENIED,
 * BACKEND_THROTTLED, BACKEND_READ_ONLY, ABORTED; all but `open` also BLOB_UPLOAD_UNKNOWN when the registry has
 * forgotten the upload.
 */
export interface UploadRequests {
  open(options: AbortOptions): Promise<UploadPlace>
  append(place: UploadPlace, bytes: Uint8Array, options: AbortOptions): Promise<UploadPlace>
  status(place: UploadPlace, options: AbortOptions): Promise<UploadPlace>
  /**
   * Closes the upload with the remaining bytes, if any. False when the registry does not know the upload. @throws
   * DIGEST_INVALID
   */
  close(
    place: UploadPlace,
    end: { readonly digest: Digest; readonly bytes: Uint8Array } & AbortOptions,
  ): Promise<boolean>
  /** Never throws: when it fails, the registry itself has to clean up. */
  cancel(place: UploadPlace): Promise<void>
}

export interface UploadRequestsComponents {
  readonly session: RegistrySession
  readonly governor: Pick<Governor, 'sending'>
  readonly clock: Clock
}

export function uploadRequests(components: UploadRequestsComponents, repository: string): UploadRequests {
  const { session, clock } = components
  const { send, succeed } = sender(components, scopes.push(repository))
  const bodyOf = (bytes: Uint8Array, { signal }: AbortOptions) =>
    bytes.length === 0 ? () => bytes : () => pacedBody(components.governor, bytes, { signal })

  return {
    async open(options) {
      const scope = scopes.push(repository)
      const answer = await session.send({ method: 'POST', at: `${repository}/blobs/uploads/`, scope, ...options })
      if (!isSuccess(answer)) throw await refused(answer, clock)
      // The header names the upload; we must remember it even when the body of the answer breaks off.
      await answer.discard().catch(() => undefined)
      return placeIn(answer, { location: '', offset: 0, minChunk: minChunkIn(answer) })
    },
    async append(place, bytes, options) {
      const last = place.offset + bytes.length - 1
      const headers = { ...bodyHeaders(bytes), 'content-range': `${place.offset}-${last}` }
      const body = bodyOf(bytes, options)
      const answer = await succeed({ method: 'PATCH', at: place.location, headers, body, ...options })
      const next = placeIn(answer, { ...place, offset: last + 1 })
      if (next.offset !== last + 1) throw misplaced()
      return next
    },
    async status(place, options) {
      return placeIn(await succeed({ method: 'GET', at: place.location, ...options }), { ...place, offset: 0 })
    },
    async close(place, { digest, bytes, ...options }) {
      const at = `${place.location}${place.location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`
      const request = { method: 'PUT', at, headers: bodyHeaders(bytes), body: bodyOf(bytes, options) } as const
      const answer = await send({ ...request, ...options })
      if (isSuccess(answer)) return true
      const refusal = await refused(answer, clock)
      if (refusal.detail?.['reason'] === 'DIGEST_INVALID') throw appError('DIGEST_INVALID', { detail: { digest } })
      if (answer.status !== 404) throw refusal
      return false
    },
    async cancel({ location }) {
      const limit = deadline(clock, CANCEL_MS)
      const request = { method: 'DELETE', at: location, scope: scopes.delete(repository) } as const
      try {
        await (await session.send({ ...request, signal: limit.signal })).discard()
      } catch {
        return
      } finally {
        limit.release()
      }
    },
  }
}

type UploadRequest = Omit<RegistryRequest, 'scope'>

function sender({ session, clock }: UploadRequestsComponents, scope: string) {
  const send = async (request: UploadRequest): Promise<WebAnswer> => {
    const answer = await session.send({ ...request, scope })
    if (isSuccess(answer)) await answer.discard()
    return answer
  }
  const succeed = async (request: UploadRequest): Promise<WebAnswer> => {
    const answer = await send(request)
    if (isSuccess(answer)) return answer
    const refusal = await refused(answer, clock)
    throw answer.status === 404 ? appError('BLOB_UPLOAD_UNKNOWN', { cause: refusal }) : refusal
  }
  return { send, succeed }
}

const isSuccess = ({ status }: WebAnswer): boolean => status >= 200 && status < 300

/**
 * A wrong offset is found by asking for the state again. A conflict is one with our own last request: the registry has
 * not noticed yet that it broke off.
 */
async function refused(answer: WebAnswer, clock: Clock): Promise<AppError> {
  const refusal = await refusalOf(answer, clock)
  if (hasCode(refusal, 'BACKEND_PRECONDITION_FAILED')) return stillBusy(refusal)
  return hasCode(refusal, 'RANGE_UNSATISFIABLE') ? misplaced() : refusal
}

/** Each slice waits for its turn and counts as progress of the request. */
function pacedBody(governor: Pick<Governor, 'sending'>, bytes: Uint8Array, options: AbortOptions): Readable {
  const slices = async function* () {
    for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
      const slice = bytes.subarray(at, at + SLICE_BYTES)
      await governor.sending(slice.length, options)
      yield slice
    }
  }
  return Readable.from(slices(), { objectMode: false })
}

/**
 * The state of an upload in an answer; a missing value is taken from `before`. An upload without bytes also says `0-0`.
 */
function placeIn({ headers, url }: WebAnswer, before: UploadPlace): UploadPlace {
  const location = headers['location'] ?? before.location
  const place = URL.canParse(location, url) ? new URL(location, url) : undefined
  if (place === undefined) throw appError('BACKEND_UNAVAILABLE', { message: 'the registry opens no upload' })
  if (!mayLeadTo(place, new URL(url))) {
    throw appError('BACKEND_UNAVAILABLE', { message: 'the registry opens an upload where nobody may follow' })
  }
  const [, last] = /^(?:bytes[ =])?0-(\d{1,15})$/.exec(headers['range'] ?? '') ?? []
  const known = last !== undefined && last !== '0'
  return { ...before, location: place.href, offset: known ? Number(last) + 1 : before.offset }
}

function minChunkIn({ headers }: WebAnswer): number {
  const text = headers['oci-chunk-min-length'] ?? ''
  return /^\d{1,12}$/.test(text) ? Number(text) : 0
}

function bodyHeaders(bytes: Uint8Array): Readonly<Record<string, string>> {
  return { 'content-type': 'application/octet-stream', 'content-length': String(bytes.length) }
}

function stillBusy(cause: AppError) {
  const message = 'the registry still works at an earlier request of this upload'
  return appError('BACKEND_UNAVAILABLE', { message, cause })
}

function misplaced() {
  return appError('BACKEND_UNAVAILABLE', { message: 'the registry received other bytes than were sent' })
}
