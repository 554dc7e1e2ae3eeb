import { type BlobRef, parseDigest, parseRepository, type Repository } from '../core/index.ts'
import type { Exchange } from '../http/index.ts'

/** The repository in a path under `/namespace/:namespace`; Kraken's clients use this word. @throws NAME_INVALID */
export function repositoryOf({ params }: Pick<Exchange, 'params'>): Repository {
  return parseRepository(params['namespace'] ?? '')
}

/** The blob in a path under `/namespace/:namespace/blobs/:digest`. @throws NAME_INVALID, DIGEST_INVALID */
export function blobOf(exchange: Pick<Exchange, 'params'>): BlobRef {
  return { repository: repositoryOf(exchange), digest: parseDigest(exchange.params['digest'] ?? '') }
}
