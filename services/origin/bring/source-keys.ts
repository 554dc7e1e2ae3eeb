import type { Backend, Backends } from '../../../lib/backend/index.ts'
import { hasCode } from '../../../lib/base/index.ts'
import { type BlobRef, type Digest, repositoryText } from '../../../lib/core/index.ts'

/**
 * Keys for a blob and the place where it lies: repositories with the same backend share one, and what one backend says
 * of a digest says nothing about another backend.
 */
export interface SourceKeys {
  of(blob: BlobRef): string
  at(backend: Backend, digest: Digest): string
}

export function sourceKeys(backends: Pick<Backends, 'backendFor'>): SourceKeys {
  const numbers = new WeakMap<Backend, number>()
  let last = 0
  const numberOf = (backend: Backend): number => {
    const known = numbers.get(backend)
    if (known !== undefined) return known
    last += 1
    numbers.set(backend, last)
    return last
  }
  const at = (backend: Backend, digest: Digest) => `${digest} ${numberOf(backend)}`
  return {
    at,
    of({ digest, repository }) {
      try {
        return at(backends.backendFor(repository), digest)
      } catch (err) {
        if (!hasCode(err, 'NO_BACKEND_RULE')) throw err
        return `${digest} ${repositoryText(repository)}`
      }
    },
  }
}
