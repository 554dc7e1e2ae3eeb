import type { Medium } from '../../lib/store/medium.ts'

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
          return { ...handle, read: counted('blobs', handle.read) }
        },
        readAt: counted('blobs', medium.blobs.readAt),
      },
      partials: {
        ...medium.partials,
        async open(...args) {
          const file = await medium.partials.open(...args)
          const read = counted('partials', (...range: Parameters<typeof file.read>) => file.read(...range))
          // Not a copy: the methods of a file on disk belong to an object of a class.
          return new Proxy(file, {
            get: (target, name) => {
              if (name === 'read') return read
              const value: unknown = Reflect.get(target, name, target)
              return typeof value === 'function' ? value.bind(target) : value
            },
          })
        },
      },
      uploads: {
        ...medium.uploads,
        async open(id) {
          const handle = await medium.uploads.open(id)
          return { ...handle, read: counted('uploads', handle.read) }
        },
      },
    },
  }
}
