import { Readable } from 'node:stream'
import { HOP_HEADER, OFFSET_HEADER, originRoutes } from '../../lib/api/index.ts'
import { appError } from '../../lib/base/index.ts'
import { type Digest, digestAlgorithm, parseDigest, rangeLength, wholeRange } from '../../lib/core/index.ts'
import {
  contentRange,
  type Exchange,
  parseRange,
  type Route,
  sendEmpty,
  sendJson,
  sendStream,
} from '../../lib/http/index.ts'
import type { BlobStore, StoredBlob } from '../../lib/store/index.ts'
import type { BlobRef } from '../../lib/swarm/index.ts'
import type { Ingest } from './ingest.ts'
import { type MetainfoComponents, metainfoStream } from './metainfo-stream.ts'
import type { UploadSessions, UploadState } from './upload-sessions.ts'

export interface OriginRoutesComponents extends MetainfoComponents {
  readonly store: BlobStore
  readonly ingest: Ingest
  readonly uploads: UploadSessions
  readonly onReceived: (from: 'client' | 'origin', bytes: number) => void
  readonly onSent: (to: 'client' | 'replica', bytes: number) => void
  readonly onStored: (blob: BlobRef, stored: StoredBlob) => void
}

const param = (exchange: Exchange, name: string): string => exchange.params[name] ?? ''

const blobOf = (exchange: Exchange): BlobRef => ({
  digest: parseDigest(param(exchange, 'digest')),
  namespace: param(exchange, 'namespace'),
})

const isHop = (exchange: Exchange) => exchange.req.headers[HOP_HEADER] === '1'

const blobHeaders = (digest: Digest) => ({
  'content-type': 'application/octet-stream',
  'docker-content-digest': digest,
  etag: `"${digest}"`,
  'accept-ranges': 'bytes',
})

const offsetOf = (exchange: Exchange): number => {
  const text = exchange.req.headers[OFFSET_HEADER]
  if (typeof text !== 'string' || !/^\d{1,15}$/.test(text)) {
    throw appError('BODY_INVALID', { message: `the header ${OFFSET_HEADER} must be a whole number of bytes` })
  }
  return Number(text)
}

/** Blobs: read, bring, and copies between origins. */
function blobRoutes(components: OriginRoutesComponents): readonly Route[] {
  const { store, ingest } = components

  const head = async (exchange: Exchange) => {
    const blob = blobOf(exchange)
    const size = await ingest.size(blob, { signal: exchange.signal })
    sendEmpty(exchange, 200, { ...blobHeaders(blob.digest), 'content-length': size })
  }

  const get = async (exchange: Exchange) => {
    const blob = blobOf(exchange)
    const { size } = await ingest.ensure(blob, { hop: isHop(exchange), signal: exchange.signal })
    const asked = parseRange(exchange.req.headers.range, size)
    if (asked.kind === 'unsatisfiable') throw appError('RANGE_UNSATISFIABLE', { detail: { size } })
    const range = asked.kind === 'single' ? asked.range : wholeRange(size)
    await sendStream(exchange, {
      status: asked.kind === 'single' ? 206 : 200,
      headers: {
        ...blobHeaders(blob.digest),
        'content-length': rangeLength(range),
        'content-range': asked.kind === 'single' ? contentRange(range, size) : undefined,
      },
      body: await store.open(blob.digest, { range, signal: exchange.signal }),
      onBytes: (bytes) => components.onSent(isHop(exchange) ? 'replica' : 'client', bytes),
    })
  }

  const put = async (exchange: Exchange) => {
    const blob = blobOf(exchange)
    const upload = await store.createUpload()
    try {
      await upload.append(exchange.req, { offset: 0, signal: exchange.signal })
      components.onReceived('origin', upload.size)
      const actual = await upload.digest(digestAlgorithm(blob.digest))
      if (actual !== blob.digest) throw appError('DIGEST_INVALID', { detail: { expected: blob.digest, actual } })
      components.onStored(blob, await upload.commit(blob.digest))
    } catch (err) {
      await upload.abort()
      throw err
    }
    sendEmpty(exchange, 201)
  }

  const metainfo = async (exchange: Exchange) => {
    const records = metainfoStream(components, blobOf(exchange), { hop: isHop(exchange), signal: exchange.signal })
    await sendStream(exchange, {
      status: 200,
      headers: { 'content-type': 'application/vnd.shoal.metainfo.v1' },
      body: Readable.from(records, { objectMode: false }),
    })
  }

  return [
    { methods: ['HEAD'], path: originRoutes.blob, right: 'read', summary: 'size of the blob', handle: head },
    { methods: ['GET'], path: originRoutes.blob, right: 'read', summary: 'the blob, with single ranges', handle: get },
    { methods: ['PUT'], path: originRoutes.blob, right: 'write', summary: 'takes a copy', handle: put },
    { methods: ['GET'], path: originRoutes.metainfo, right: 'read', summary: 'the metainfo stream', handle: metainfo },
  ]
}

/** Upload sessions; all requests of a session go to the origin that opened it. */
function uploadRoutes(uploads: UploadSessions, memberId: string): readonly Route[] {
  const answer = (exchange: Exchange, status: number, state: UploadState) =>
    sendJson(exchange, status, { ...state, member: memberId })
  const id = (exchange: Exchange) => param(exchange, 'id')

  const create = async (exchange: Exchange) => answer(exchange, 201, await uploads.create())
  const status = async (exchange: Exchange) => answer(exchange, 200, await uploads.status(id(exchange)))
  const append = async (exchange: Exchange) => {
    const { req, signal } = exchange
    answer(exchange, 200, await uploads.append(id(exchange), offsetOf(exchange), req, { signal }))
  }
  const commit = async (exchange: Exchange) => {
    const blob = { digest: parseDigest(exchange.query.get('digest') ?? ''), namespace: param(exchange, 'namespace') }
    const { size } = await uploads.commit(id(exchange), blob, { signal: exchange.signal })
    sendJson(exchange, 201, { digest: blob.digest, size })
  }
  const cancel = async (exchange: Exchange) => {
    await uploads.cancel(id(exchange))
    sendEmpty(exchange, 204)
  }

  const { uploads: collection, upload } = originRoutes
  return [
    { methods: ['POST'], path: collection, right: 'write', summary: 'opens an upload', handle: create },
    { methods: ['GET'], path: upload, right: 'write', summary: 'state of an upload', handle: status },
    { methods: ['PATCH'], path: upload, right: 'write', summary: 'appends the body', handle: append },
    { methods: ['PUT'], path: upload, right: 'write', summary: 'closes an upload', handle: commit },
    { methods: ['DELETE'], path: upload, right: 'write', summary: 'cancels an upload', handle: cancel },
  ]
}

/** The HTTP API of an origin. */
export function originServerRoutes(
  components: OriginRoutesComponents,
  init: { readonly memberId: string },
): readonly Route[] {
  return [...blobRoutes(components), ...uploadRoutes(components.uploads, init.memberId)]
}
