import type { Digest } from './digest.ts'
import { type Repository, repositoryText } from './repository.ts'

/** A blob together with the repository it was asked for in; the repository decides which backend holds the blob. */
export interface BlobRef {
  readonly digest: Digest
  readonly repository: Repository
}

/** A map key for a blob in a repository. */
export function blobRefKey({ digest, repository }: BlobRef): string {
  return `${digest} ${repositoryText(repository)}`
}
