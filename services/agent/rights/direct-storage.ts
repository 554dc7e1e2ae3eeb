import type { CallerReads } from '../../../lib/backend/index.ts'
import { appError } from '../../../lib/base/index.ts'
import { rangeLength, type Tag } from '../../../lib/core/index.ts'
import { emptyStorage, type RegistryStorage } from '../../../lib/registry/index.ts'
import { wholeBody } from './whole-body.ts'

/**
 * What a registry shows to one caller, past the cluster: nothing of it is kept, and none of it is given to anybody else. A
 * blob that is read whole never ends with a wrong byte; of a part of one nobody can tell. Its referrers are those that it lists, or
 * else those of the fallback tag, as everywhere for registries of others.
 */
export function directStorage(reads: CallerReads): RegistryStorage {
  return {
    ...emptyStorage,
    blobs: {
      async find(repository, digest, { signal } = {}) {
        const { blobs } = reads.repository(repository.name)
        const size = await blobs.size(digest, { signal })
        if (size === undefined) return undefined
        return {
          size,
          async open(range, options = {}) {
            const isWhole = rangeLength(range) === size
            const sent = await blobs.open(digest, { signal: options.signal, ...(!isWhole && { range }) })
            if (sent === undefined) throw appError('BLOB_UNKNOWN', { detail: { digest } })
            if (isWhole && sent.size === size) return wholeBody({ digest, size, body: sent.body })
            if (sent.size === size) return sent.body
            sent.body.destroy()
            throw appError('BACKEND_UNAVAILABLE', { message: 'the registry gives two sizes of one blob' })
          },
          close: () => undefined,
        }
      },
    },
    manifests: {
      resolve: (repository, reference, { signal } = {}) =>
        reads
          .repository(repository.name)
          .manifests.describe(reference.kind === 'tag' ? reference.tag : reference.digest, { signal }),
      async read(repository, { digest }, { signal } = {}) {
        const found = await reads.repository(repository.name).manifests.fetch(digest, { signal })
        if (found === undefined) throw appError('MANIFEST_UNKNOWN', { detail: { digest } })
        return found.bytes
      },
    },
    referrers: {
      async list({ name }, subject, { last = '', signal } = {}) {
        const listed = await reads.referrers(name, subject, { signal })
        return listed === undefined
          ? { referrers: [] }
          : { referrers: listed.filter(({ digest }) => digest > last), merged: true }
      },
    },
    tags: {
      ...emptyStorage.tags,
      async list({ name }, { after = '', limit, signal }) {
        const all = await reads.tags(name, { signal })
        if (all === undefined) return undefined
        const behind = all.filter((tag) => tag > after)
        return { items: behind.slice(0, limit) as Tag[], more: behind.length > limit }
      },
    },
  }
}
