import type { Digest } from './digest.ts'
import { type Repository, repositoryText } from './repository.ts'

/** A blob together with the repository it was asked for in; the repository decides which backend holds the blob. */
export interface BlobRef {
  readonly digest: Digest
  readonly repository: Repository
  /** It is known to be a manifest: a hint for registries behind, which hold manifests elsewhere. No part of the key. */
  readonly as?: 'manifest' | undefined
}

/** A map key for a blob in a repository. */
export function blobRefKey({ digest, repository }: BlobRef): string {
  return `${digest} ${repositoryText(repository)}`
}
