import type { BlobFiles, Medium, ReadHandle } from '../../lib/store/medium.ts'

type ReadArguments = Parameters<ReadHandle['read']>

/** A medium that counts how often somebody reads bytes of blobs, of partial blobs and of uploads. */
export interface CountingMedium {
  readonly medium: Medium
  readonly reads: { blobs: number; partials: number; uploads: number }
}

export function countingMedium(medium: Medium): CountingMedium {
  const reads = { blobs: 0, partials: 0, uploads: 0 }
  const counted =
    <A extends unknown[], R>(kind: keyof typeof reads, read: (...args: A) => R) =>
    (...args: A): R => {
      reads[kind] += 1
      return read(...args)
    }
  return {
    reads,
    medium: {
      ...medium,
      blobs: {
        ...medium.blobs,
        async open(digest) {
          const handle = await medium.blobs.open(digest)
          return { ...handle, read: counted('blobs', (...range: ReadArguments) => handle.read(...range)) }
        },
        readAt: counted('blobs', (...range: Parameters<BlobFiles['readAt']>) => medium.blobs.readAt(...range)),
      },
      partials: {
        ...medium.partials,
        async open(...args) {
          const file = await medium.partials.open(...args)
          const read = counted('partials', (...range: ReadArguments) => file.read(...range))
          return {
            read,
            found: file.found,
            hashOf: (piece) => file.hashOf(piece),
            write: (...piece) => file.write(...piece),
            touch: (usedAtMs) => file.touch(usedAtMs),
            promote: (usedAtMs) => file.promote(usedAtMs),
            retire: () => file.retire(),
            remove: () => file.remove(),
          }
        },
      },
      uploads: {
        ...medium.uploads,
        async open(id) {
          const handle = await medium.uploads.open(id)
          return { ...handle, read: counted('uploads', (...range: ReadArguments) => handle.read(...range)) }
        },
      },
    },
  }
}
