import type { OriginCluster } from '../../lib/api/index.ts'
import { type AbortOptions, appError, byteCache, hasCode, singleFlight } from '../../lib/base/index.ts'
import {
  blobRefKey,
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestOf,
  MANIFEST_LIMIT,
  type Repository,
} from '../../lib/core/index.ts'
import { fromCluster } from './cluster-error.ts'

/** What tells a manifest from others: its media type does not. */
export type StoredManifest = Pick<Descriptor, 'digest' | 'size'>

/** Reads the bytes of manifests. The bytes of a digest never change. */
export interface ManifestBytes {
  /** Keeps the bytes of a manifest that was just pushed. */
  keep(digest: Digest, bytes: Uint8Array): void
  /** @throws MANIFEST_UNKNOWN when no origin has it, BACKEND_CORRUPT when the origins have other content */
  read(repository: Repository, manifest: StoredManifest, options?: AbortOptions): Promise<Uint8Array>
}

export interface ManifestBytesComponents {
  readonly origins: OriginCluster
  /** Counts bytes by their source: origins or memory. */
  readonly onReceived: (from: 'origin' | 'cache', bytes: number) => void
}

/** Reads manifests from the origins and keeps up to `maxBytes` of them in memory. */
export function manifestBytes(
  { origins, onReceived }: ManifestBytesComponents,
  { maxBytes }: { readonly maxBytes: number },
): ManifestBytes {
  const cache = byteCache<Uint8Array>(maxBytes, (bytes) => bytes.byteLength)
  const flights = singleFlight<string, Uint8Array>()

  const fetch = async (repository: Repository, { digest, size }: StoredManifest, signal: AbortSignal) => {
    const bytes = await readWhole(origins, repository, { digest, size, signal })
    onReceived('origin', bytes.byteLength)
    if (digestOf(bytes, digestAlgorithm(digest)) !== digest) throw appError('BACKEND_CORRUPT', { detail: { digest } })
    cache.set(digest, bytes)
    return bytes
  }

  return {
    keep: (digest, bytes) => cache.set(digest, bytes),
    async read(repository, descriptor, options = {}) {
      const { digest } = descriptor
      const kept = cache.get(digest)
      if (kept === undefined) {
        const key = blobRefKey({ repository, digest })
        return flights.run(key, (signal) => fetch(repository, descriptor, signal), options)
      }
      onReceived('cache', kept.byteLength)
      return kept
    },
  }
}

interface WholeRead {
  readonly digest: Digest
  readonly size: number
  readonly signal: AbortSignal
}

async function readWhole(origins: OriginCluster, repository: Repository, { digest, size, signal }: WholeRead) {
  try {
    const found = await fromCluster(origins.readBlob(repository, digest, { signal, patient: true }), 'BLOB_UNKNOWN')
    if (found.size !== size || size > MANIFEST_LIMIT) {
      found.body.destroy()
      throw appError('BACKEND_CORRUPT', { detail: { digest, size: found.size, expected: size } })
    }
    return Buffer.concat(await found.body.toArray({ signal }))
  } catch (err) {
    throw hasCode(err, 'BLOB_UNKNOWN') ? appError('MANIFEST_UNKNOWN', { detail: { digest }, cause: err }) : err
  }
}
