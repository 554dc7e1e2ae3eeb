import { createHash } from 'node:crypto'
import { appError } from '../base/index.ts'
import { type Digest, digestAlgorithm, digestHex, releasedLength } from '../core/index.ts'

/** A whole body on its way, which may come from several origins, one after the other. */
export interface JoinedBody {
  /** Takes the bytes that come next; returns what may go on now. */
  take(chunk: Uint8Array): readonly Uint8Array[]
  /** The rest comes from another read. */
  broken(): void
  /** The rest of a body that is complete. @throws BACKEND_CORRUPT when its parts are not the blob */
  end(): readonly Uint8Array[]
}

/**
 * Each origin withholds the end of a blob that it has not proven yet, and proves its own bytes only. When one breaks off,
 * what it gave may have been wrong, and the next one may prove right bytes of its own and give their end: both together
 * are then no content that anybody has proven. So the end of a body that came from more than one read is withheld here
 * until the digest of all that went on is right.
 */
export function joinedBody(digest: Digest, size: number): JoinedBody {
  const hash = createHash(digestAlgorithm(digest))
  const released = releasedLength(size, false)
  let isJoined = false
  let length = 0
  let withheld: Uint8Array[] = []
  return {
    take(chunk) {
      hash.update(chunk)
      length += chunk.byteLength
      if (!isJoined || length <= released) return [chunk]
      // The body above may use its memory again.
      withheld.push(Uint8Array.from(chunk))
      return []
    },
    broken() {
      isJoined = true
    },
    end() {
      if (!isJoined) return []
      const actual = hash.digest('hex')
      if (actual !== digestHex(digest)) {
        const message = 'what several origins gave of the blob is not the blob'
        throw appError('BACKEND_CORRUPT', { message, detail: { expected: digest, actual } })
      }
      const rest = withheld
      withheld = []
      return rest
    },
  }
}
