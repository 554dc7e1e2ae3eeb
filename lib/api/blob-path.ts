import type { AbortOptions } from '../base/index.ts'
import { type BlobRef, parseDigest, parseRepository, type Repository } from '../core/index.ts'
import type { Exchange } from '../http/index.ts'

/** What the caller knows of a blob, as in `BlobRef`. */
export interface KnownBlobOptions extends AbortOptions {
  readonly as?: BlobRef['as']
}

/** The repository in a path under `/namespace/:namespace`; Kraken's clients use this word. @throws NAME_INVALID */
export function repositoryOf({ params }: Pick<Exchange, 'params'>): Repository {
  return parseRepository(params['namespace'] ?? '')
}

/**
 * The blob in a path under `/namespace/:namespace/blobs/:digest`; `?as=manifest` says what it is. @throws NAME_INVALID,
 * DIGEST_INVALID
 */
export function blobOf(exchange: Pick<Exchange, 'params' | 'query'>): BlobRef {
  const blob = { repository: repositoryOf(exchange), digest: parseDigest(exchange.params['digest'] ?? '') }
  return exchange.query.get('as') === 'manifest' ? { ...blob, as: 'manifest' } : blob
}
