import type { IncomingMessage } from 'node:http'
import { type AppError, appError } from '../base/index.ts'
import { type ByteRange, parseDigest, parseTag, type Repository } from '../core/index.ts'
import {
  type Exchange,
  entityTag,
  type LookBudget,
  type OpenRangeOptions,
  sendBytes,
  sendContent,
  sendContentHead,
} from '../http/index.ts'
import { contentFacts } from './content-facts.ts'
import type { ReadManner, Reference, RegistryStorage } from './storage.ts'
import type { Traffic } from './traffic.ts'

/** GET and HEAD of content. */
export interface Reads {
  blob(exchange: Exchange, repository: Repository, digestText: string): Promise<void>
  manifest(exchange: Exchange, repository: Repository, referenceText: string): Promise<void>
}

export interface ReadsComponents {
  readonly storage: Pick<RegistryStorage, 'blobs' | 'manifests'>
  readonly traffic: Traffic
  readonly looks: Pick<LookBudget, 'during'>
  /** How this request reads a blob. */
  readonly mannerOf: (req: Pick<IncomingMessage, 'headers'>) => ReadManner
}

export function reads({ storage, traffic, looks, mannerOf }: ReadsComponents): Reads {
  return {
    async blob(exchange, repository, digestText) {
      const digest = parseDigest(digestText)
      const blob = await looks.during(exchange.req, async () => {
        const found = await storage.blobs.find(repository, digest, { signal: exchange.signal })
        if (found === undefined) throw appError('BLOB_UNKNOWN', { detail: { digest } })
        return found
      })
      const content = {
        ...contentFacts({ digest, size: blob.size, mediaType: 'application/octet-stream' }, true),
        open: (range: ByteRange, options: OpenRangeOptions) =>
          blob.open(range, { ...options, ...mannerOf(exchange.req) }),
      }
      try {
        await sendContent(exchange, content, { onBytes: traffic.sent })
      } finally {
        blob.close()
      }
    },

    async manifest(exchange, repository, referenceText) {
      const { signal } = exchange
      const reference = readReference(referenceText)
      const descriptor = await looks.during(exchange.req, async () => {
        const found = reference && (await storage.manifests.resolve(repository, reference, { signal }))
        if (found === undefined) throw unknownManifest(referenceText)
        return found
      })
      const facts = contentFacts(descriptor, reference?.kind === 'digest')
      if (sendContentHead(exchange, facts)) return
      const body = await storage.manifests.read(repository, descriptor, { signal })
      traffic.sent(body.byteLength)
      sendBytes(exchange, {
        status: 200,
        headers: { ...facts.headers, etag: entityTag(facts.tag), 'content-type': facts.mediaType },
        body,
      })
    },
  }
}

/**
 * A malformed reference names nothing, so reading it gives a 404 (some clients probe this way). Undefined means
 * malformed.
 */
function readReference(text: string): Reference | undefined {
  try {
    return parseReference(text)
  } catch {
    return undefined
  }
}

/** A reference with a colon is a digest. @throws DIGEST_INVALID, TAG_INVALID */
export function parseReference(text: string): Reference {
  return text.includes(':') ? { kind: 'digest', digest: parseDigest(text) } : { kind: 'tag', tag: parseTag(text) }
}

/** The 404 error for a manifest, with the requested reference. */
export function unknownManifest(reference: string): AppError {
  return appError('MANIFEST_UNKNOWN', { detail: { reference: reference.slice(0, 160) } })
}
