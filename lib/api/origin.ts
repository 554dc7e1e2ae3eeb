import { appError, isAppError } from '../base/index.ts'
import { type ByteRange, type Digest, type Repository, repositoryText } from '../core/index.ts'
import type { HttpClient, HttpResponse } from '../http/index.ts'
import { jsonBody, send, sendForJson, sendForNothing } from './answer.ts'
import {
  ASKER_HEADER,
  type AskedRange,
  CLASS_HEADER,
  CLIENT_HEADER,
  HOP_HEADER,
  holdingSchema,
  OFFSET_HEADER,
  type OriginBlobs,
  type OriginClient,
  type OriginUploads,
  originBusySchema,
  originTimeouts,
  PRIORITY_HEADER,
  type ReadBlobOptions,
  STANDS_ALONE_HEADER,
  uploadDoneSchema,
  uploadStateSchema,
  WRITE_BACK_HEADER,
} from './origin-contract.ts'
import { path, query } from './path.ts'
import { parseAnswer } from './schemas.ts'

/** `url` is the origin's base URL without a trailing slash. */
export function originClient(http: HttpClient, url: string): OriginClient {
  return { ...originBlobs(http, url), ...originUploads(http, url) }
}

const blobUrl = (url: string, repository: Repository, digest: Digest) =>
  url + path`/namespace/${repositoryText(repository)}/blobs/${digest}`

const rangeHeader = ({ start, end }: ByteRange) => ({ range: `bytes=${start}-${end - 1}` })

const rangeHeaders = ({ standsAlone, ...range }: AskedRange): Record<string, string> => ({
  ...rangeHeader(range),
  ...(standsAlone === true && { [STANDS_ALONE_HEADER]: '1' }),
})

const readHeaders = ({ hop, asker, priority, pullClass, range }: ReadBlobOptions): Record<string, string> => ({
  ...hopHeaders(hop),
  ...(asker !== undefined && { [ASKER_HEADER]: asker }),
  ...(priority !== undefined && { [PRIORITY_HEADER]: priority }),
  ...(pullClass !== undefined && { [CLASS_HEADER]: pullClass }),
  ...(range && rangeHeaders(range)),
})

const octets = { 'content-type': 'application/octet-stream' }

const hopHeaders = (hop: boolean | undefined): Record<string, string> => (hop === true ? { [HOP_HEADER]: '1' } : {})

/** What an origin holds of a blob at a moment, and what it is to bring first. */
function arrivingBlobs(http: HttpClient, url: string): Pick<OriginBlobs, 'demand' | 'holding' | 'readHeld'> {
  return {
    demand(repository, digest, { ranges, priority, signal }) {
      const target = `${blobUrl(url, repository, digest)}/demand`
      const body = jsonBody({ ranges: ranges.map(({ start, end }) => [start, end]), priority })
      const wait = { headersTimeoutMs: originTimeouts.bringMs }
      return sendForNothing(http, { method: 'POST', url: target, ...body, signal, ...wait })
    },
    holding(repository, digest, { asker, leaving, withinMs = originTimeouts.holdingMs, signal } = {}) {
      const target = `${blobUrl(url, repository, digest)}/holding${query({ asker, leaving })}`
      const wait = { headersTimeoutMs: withinMs }
      const answer = { schema: holdingSchema }
      return sendForJson(http, { method: 'GET', url: target, headers: hopHeaders(true), signal, ...wait }, answer)
    },
    async readHeld(repository, digest, { range, signal }) {
      const target = `${blobUrl(url, repository, digest)}/held`
      const headers = { ...hopHeaders(true), ...rangeHeader(range) }
      const response = await send(http, { method: 'GET', url: target, lane: 'download', headers, signal }, [206])
      return { size: lengthOf(response), body: response.body }
    },
  }
}

function originBlobs(http: HttpClient, url: string): OriginBlobs {
  return {
    ...arrivingBlobs(http, url),
    async statBlob(repository, digest, { hop, as, keep, signal } = {}) {
      const request = {
        method: 'HEAD',
        url: blobUrl(url, repository, digest) + query({ as, keep: keep === true ? 'true' : undefined }),
        headers: hopHeaders(hop),
        signal,
        ...(keep === true && { headersTimeoutMs: originTimeouts.commitMs }),
        ...(hop === true && { headersTimeoutMs: originTimeouts.holdingMs }),
      } as const
      const response = await send(http, request, [200, 404])
      await response.discard()
      return response.status === 404 ? undefined : { size: lengthOf(response) }
    },
    async readBlob(repository, digest, { as, patient, signal, ...asked } = {}) {
      const { hop, range } = asked
      const wait = {
        ...(patient === true && { headersTimeoutMs: originTimeouts.bringMs }),
        ...(hop === true && { idleTimeoutMs: originTimeouts.pieceMs }),
      }
      const target = blobUrl(url, repository, digest) + query({ as })
      const request = {
        method: 'GET',
        url: target,
        lane: 'download',
        headers: readHeaders(asked),
        signal,
        ...wait,
      } as const
      const response = await send(http, request, [range === undefined ? 200 : 206]).catch(checkBusy)
      return { size: lengthOf(response), body: response.body }
    },
    async putBlob(repository, digest, { body, size, hop, writeBackRank, signal }) {
      const task = writeBackRank === undefined ? {} : { [WRITE_BACK_HEADER]: String(writeBackRank) }
      const headers = { ...hopHeaders(hop), ...task, 'content-length': String(size), ...octets }
      const target = blobUrl(url, repository, digest)
      const response = await send(
        http,
        { method: 'PUT', url: target, lane: 'upload', headers, body, signal, headersTimeoutMs: originTimeouts.takeMs },
        [201],
      )
      await response.discard()
    },
    async openMetainfo(repository, digest, { as, whole, signal } = {}) {
      const target = `${blobUrl(url, repository, digest)}/metainfo${query({ as, whole: whole === true ? 'true' : undefined })}`
      const wait = { headersTimeoutMs: originTimeouts.metainfoMs }
      return (await send(http, { method: 'GET', url: target, lane: 'download', signal, ...wait })).body
    },
  }
}

function originUploads(http: HttpClient, url: string): OriginUploads {
  const uploads = (repository: Repository) => url + path`/namespace/${repositoryText(repository)}/uploads`
  const upload = (repository: Repository, id: string) => uploads(repository) + path`/${id}`
  const state = { schema: uploadStateSchema }
  return {
    createUpload(repository, { client, signal } = {}) {
      const headers: Record<string, string> = client === undefined ? {} : { [CLIENT_HEADER]: client }
      const request = { method: 'POST', url: uploads(repository), headers, signal } as const
      return sendForJson(http, request, { ...state, status: 201 })
    },
    uploadStatus: (repository, id, { signal } = {}) =>
      sendForJson(http, { method: 'GET', url: upload(repository, id), signal }, state),
    appendUpload(repository, id, { offset, body, signal }) {
      const headers = { [OFFSET_HEADER]: String(offset), ...octets }
      const target = upload(repository, id)
      const wait = { headersTimeoutMs: originTimeouts.takeMs }
      return sendForJson(http, { method: 'PATCH', url: target, lane: 'upload', headers, body, signal, ...wait }, state)
    },
    commitUpload(repository, id, { digest, signal }) {
      const target = upload(repository, id) + query({ digest })
      const answer = { schema: uploadDoneSchema, status: 201 }
      const wait = { headersTimeoutMs: originTimeouts.commitMs }
      return sendForJson(http, { method: 'PUT', url: target, lane: 'upload', signal, ...wait }, answer)
    },
    cancelUpload: (repository, id, { signal } = {}) =>
      sendForNothing(http, { method: 'DELETE', url: upload(repository, id), signal }),
  }
}

/** Whoever sees ORIGIN_BUSY may rely on its detail. */
function checkBusy(err: unknown): never {
  if (!isAppError(err) || err.code !== 'ORIGIN_BUSY') throw err
  throw appError('ORIGIN_BUSY', { detail: parseAnswer(originBusySchema, err.detail), cause: err })
}

/** Size of the whole blob in bytes, from `Content-Range` or `Content-Length`. */
function lengthOf({ headers }: HttpResponse): number {
  const text = /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] ?? headers['content-length'] ?? ''
  if (!/^\d+$/.test(text)) {
    throw appError('UNKNOWN', { message: 'the origin did not say how long the blob is' })
  }
  return Number(text)
}
