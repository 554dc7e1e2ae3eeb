import { type AppError, appError } from '../base/index.ts'
import { type ByteRange, parseDigest, parseTag, rangeLength, wholeRange } from '../core/index.ts'
import {
  contentRange,
  type Exchange,
  errorBody,
  ifNoneMatchHits,
  sendBytes,
  sendEmpty,
  sendJson,
  sendStream,
  unsatisfiedContentRange,
} from '../http/index.ts'
import { contentHeaders, rangeFor } from './content-answer.ts'
import type { FoundBlob, Reference, RegistryStorage, RepositoryRef } from './storage.ts'
import type { Traffic } from './traffic.ts'

/** GET and HEAD of content. */
export interface Reads {
  blob(exchange: Exchange, repository: RepositoryRef, digestText: string): Promise<void>
  manifest(exchange: Exchange, repository: RepositoryRef, referenceText: string): Promise<void>
  /** Clients fall back to tags named after the subject, as long as this says that the API is not there. */
  referrers(exchange: Exchange, digestText: string): void
}

export function reads(storage: Pick<RegistryStorage, 'blobs' | 'manifests'>, traffic: Traffic): Reads {
  const sendBlob = async (exchange: Exchange, blob: FoundBlob, answer: BlobAnswer) => {
    const { status, range, headers } = answer
    if (exchange.method === 'HEAD') {
      sendEmpty(exchange, status, headers)
      return
    }
    const body = await blob.open(range, { signal: exchange.signal })
    await sendStream(exchange, { status, headers, body, onBytes: traffic.sent })
  }

  return {
    async blob(exchange, repository, digestText) {
      const digest = parseDigest(digestText)
      const { req, method, signal } = exchange
      const blob = await storage.blobs.find(repository, digest, { signal })
      if (blob === undefined) throw appError('BLOB_UNKNOWN', { detail: { digest } })
      try {
        const constant = contentHeaders(digest, true)
        const asked = method === 'HEAD' ? undefined : rangeFor(req.headers, digest, blob.size)
        if (ifNoneMatchHits(req.headers['if-none-match'], digest)) sendEmpty(exchange, 304, constant)
        else if (asked === 'unsatisfiable') refuseRange(exchange, blob.size)
        else await sendBlob(exchange, blob, blobAnswer(constant, blob.size, asked))
      } finally {
        blob.close()
      }
    },

    async manifest(exchange, repository, referenceText) {
      const { req, method, signal } = exchange
      const reference = readReference(referenceText)
      const descriptor = reference && (await storage.manifests.resolve(repository, reference, { signal }))
      if (descriptor === undefined) throw unknownManifest(referenceText)
      const constant = contentHeaders(descriptor.digest, reference?.kind === 'digest')
      if (ifNoneMatchHits(req.headers['if-none-match'], descriptor.digest)) {
        sendEmpty(exchange, 304, constant)
        return
      }
      const headers = { ...constant, 'content-type': descriptor.mediaType }
      if (method === 'HEAD') {
        sendEmpty(exchange, 200, { ...headers, 'content-length': descriptor.size })
        return
      }
      const body = await storage.manifests.read(repository, descriptor, { signal })
      traffic.sent(body.byteLength)
      sendBytes(exchange, { status: 200, headers, body })
    },

    referrers(exchange, digestText) {
      parseDigest(digestText)
      const message = 'the referrers API is not supported; use the referrers tag'
      sendJson(exchange, 404, { errors: [{ code: 'UNSUPPORTED', message }] })
    },
  }
}

interface BlobAnswer {
  readonly status: number
  readonly range: ByteRange
  readonly headers: Readonly<Record<string, string | number>>
}

function blobAnswer(constant: BlobAnswer['headers'], size: number, asked: ByteRange | undefined): BlobAnswer {
  const range = asked ?? wholeRange(size)
  const headers = {
    ...constant,
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    'content-length': rangeLength(range),
  }
  if (asked === undefined) return { status: 200, range, headers }
  return { status: 206, range, headers: { ...headers, 'content-range': contentRange(asked, size) } }
}

function refuseRange(exchange: Exchange, size: number): void {
  const err = appError('RANGE_INVALID', { detail: { size } })
  sendJson(exchange, err.status, errorBody(err, 'registry'), { 'content-range': unsatisfiedContentRange(size) })
}

/** A malformed reference names nothing, so reading it is a 404 (clients probe with such); undefined stands for that. */
function readReference(text: string): Reference | undefined {
  try {
    return parseReference(text)
  } catch {
    return undefined
  }
}

/** A colon makes it a digest. @throws DIGEST_INVALID, TAG_INVALID */
export function parseReference(text: string): Reference {
  return text.includes(':') ? { kind: 'digest', digest: parseDigest(text) } : { kind: 'tag', tag: parseTag(text) }
}

/** The 404 for a manifest, with what was asked for. */
export function unknownManifest(reference: string): AppError {
  return appError('MANIFEST_UNKNOWN', { detail: { reference: reference.slice(0, 160) } })
}
