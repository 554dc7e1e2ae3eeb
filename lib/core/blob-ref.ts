import type { Digest } from './digest.ts'
import { type Repository, repositoryText } from './repository.ts'

/** A blob as it is asked for: the repository says which backend holds it. */
export interface BlobRef {
  readonly digest: Digest
  readonly repository: Repository
}

/** Key of a map by blob and repository. */
export function blobRefKey({ digest, repository }: BlobRef): string {
  return `${digest} ${repositoryText(repository)}`
}
