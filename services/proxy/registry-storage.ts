import { Readable } from 'node:stream'
import type { BuildIndex, OriginCluster } from '../../lib/api/index.ts'
import { type ErrorCode, hasCode } from '../../lib/base/index.ts'
import { rangeLength } from '../../lib/core/index.ts'
import type {
  Blobs,
  Edits,
  Manifests,
  PageOptions,
  Referrers,
  Tags,
  Uploads,
  WritableStorage,
} from '../../lib/registry/index.ts'
import type { BlobHomes } from './blob-homes.ts'
import { fromCluster } from './cluster-error.ts'
import type { ManifestBytes } from './manifest-bytes.ts'
import type { OriginSessions } from './origin-session.ts'

export interface ProxyStorageComponents {
  /** Knows repositories, tags, manifests and links of blobs. */
  readonly index: BuildIndex
  /** Hold the bytes. */
  readonly origins: OriginCluster
  readonly sessions: OriginSessions
  readonly manifests: ManifestBytes
  /** Learns where blobs are seen. */
  readonly homes: BlobHomes
  /** Counts the bytes of blobs that come from origins. */
  readonly onReceived: (from: 'origin', bytes: number) => void
}

/** A registry with its names in the build-index and its bytes at the origins; the proxy itself stores nothing. */
export function proxyStorage(components: ProxyStorageComponents): WritableStorage {
  return {
    blobs: proxyBlobs(components),
    manifests: proxyManifests(components),
    tags: proxyTags(components),
    referrers: proxyReferrers(components),
    writes: { uploads: proxyUploads(components), edits: proxyEdits(components) },
  }
}

function proxyBlobs({ index, origins, homes, onReceived }: ProxyStorageComponents): Blobs {
  return {
    async find(repository, digest, options = {}) {
      const link = await fromCluster(index.getBlob(repository, digest, options))
      if (link === undefined) return undefined
      homes.note(repository, digest)
      const { size } = link
      return {
        size,
        async open(range, { signal } = {}) {
          if (rangeLength(range) === 0) return Readable.from([])
          const whole = rangeLength(range) === size
          const asked = whole ? undefined : { ...range, standsAlone: true }
          const read = origins.readBlob(repository, digest, { signal, range: asked, patient: true })
          const { body } = await fromCluster(read, 'BLOB_UNKNOWN')
          return counted(body, (bytes) => onReceived('origin', bytes))
        },
        // `find` opened nothing: it only read the index.
        close: () => undefined,
      }
    },
  }
}

/** The same stream; `onBytes` gets the number of bytes as they are read. */
function counted(body: Readable, onBytes: (bytes: number) => void): Readable {
  const count = async function* () {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      onBytes(chunk.byteLength)
      yield chunk
    }
  }
  const out = Readable.from(count(), { objectMode: false })
  // A stream that is destroyed before its first read never enters the generator.
  out.once('close', () => body.destroy())
  return out
}

function proxyManifests({ index, manifests }: ProxyStorageComponents): Manifests {
  return {
    resolve: (repository, reference, options) =>
      fromCluster(
        reference.kind === 'tag'
          ? index.getTag(repository, reference.tag, options)
          : index.getManifest(repository, reference.digest, options),
      ),
    read: (repository, descriptor, options) => manifests.read(repository, descriptor, options),
  }
}

function proxyTags({ index }: ProxyStorageComponents): Tags {
  const pageOf = ({ limit, after, signal }: PageOptions) => ({ n: limit, last: after, signal })
  return {
    async list(repository, options) {
      const page = await fromCluster(index.listTags(repository, pageOf(options)), 'TAG_INVALID')
      return page && { items: page.tags, more: page.next !== undefined }
    },
    async repositories(options) {
      const page = await fromCluster(index.listRepositories(pageOf(options)), 'NAME_INVALID')
      return { items: page.repositories, more: page.next !== undefined }
    },
  }
}

function proxyReferrers({ index }: ProxyStorageComponents): Referrers {
  return {
    list: (repository, subject, options) =>
      fromCluster(index.listReferrers(repository, subject, options), 'REFERRERS_UNSUPPORTED'),
  }
}

function proxyUploads({ index, origins, sessions, homes }: ProxyStorageComponents): Uploads {
  return {
    create: (repository, options = {}) => sessions.open(repository, options),
    status: (repository, key, options = {}) =>
      sessions.at(key, options, (origin) => origin.uploadStatus(repository, key.id, options)),
    append: (repository, key, body, { offset, signal }) =>
      sessions.at(key, { signal }, (origin) => origin.appendUpload(repository, key.id, { offset, body, signal })),
    async commit(repository, key, digest, options = {}) {
      const end = { ...options, digest }
      const { size } = await sessions.at(key, options, (origin) => origin.commitUpload(repository, key.id, end))
      await fromCluster(index.putBlob(repository, { digest, size }, options))
      homes.note(repository, digest)
    },
    cancel: (repository, key, options = {}) =>
      sessions.at(key, options, (origin) => origin.cancelUpload(repository, key.id, options)),
    async mount(repository, digest, from, options = {}) {
      const link = await fromCluster(index.getBlob(from, digest, options))
      if (link === undefined) {
        homes.forget(from, digest)
        return false
      }
      // The repository may decide the backend, so the blob is linked only if its bytes are found under this repository.
      const stored = await fromCluster(origins.statBlob(repository, digest, { ...options, keep: true }))
      if (stored === undefined) return false
      return linked(index.putBlob(repository, link, options))
    },
    homes: (digest, admits) => homes.of(digest, admits),
  }
}

function proxyEdits({ index, sessions, manifests }: ProxyStorageComponents): Edits {
  return {
    /** Stores the bytes first and the tag last, so that a client that sees a tag can get everything it points to. */
    async putManifest(repository, { descriptor, bytes, tags, refers }, options = {}) {
      const { digest, size } = descriptor
      await sessions.push(repository, { digest, bytes, ...options })
      manifests.keep(digest, bytes)
      await fromCluster(index.putBlob(repository, { digest, size }, options))
      await fromCluster(index.putManifest(repository, descriptor, options), 'MANIFEST_INVALID', 'MANIFEST_BLOB_UNKNOWN')
      const isListed =
        refers !== undefined && (await wasListed(index.putReferrer(repository, refers.to, refers.as, options)))
      for (const tag of tags)
        await fromCluster(index.putTag(repository, tag, { descriptor, ...options }), 'TAG_IMMUTABLE')
      return { isListed }
    },
    async deleteManifest(repository, digest, { subject, signal } = {}) {
      const options = { signal }
      // First the list: a removal that ended in between can be repeated as long as the manifest is there.
      if (subject !== undefined) await wasListed(index.deleteReferrer(repository, subject, digest, options))
      const removed = await removal(index.deleteManifest(repository, digest, options), 'MANIFEST_UNKNOWN')
      if (removed) await removal(index.deleteBlob(repository, digest, options), 'BLOB_UNKNOWN')
      return removed
    },
    deleteTag: (repository, tag, options) => removal(index.deleteTag(repository, tag, options), 'MANIFEST_UNKNOWN'),
    unlinkBlob: (repository, digest, options) => removal(index.deleteBlob(repository, digest, options), 'BLOB_UNKNOWN'),
  }
}

/** False when another registry is the index and this repository lacks the blob there: the client has to upload it. */
async function linked(linking: Promise<void>): Promise<boolean> {
  try {
    await fromCluster(linking, 'BLOB_UNKNOWN')
    return true
  } catch (err) {
    if (hasCode(err, 'BLOB_UNKNOWN')) return false
    throw err
  }
}

/** False when the index keeps no lists of referrers. */
async function wasListed(change: Promise<void>): Promise<boolean> {
  try {
    await fromCluster(change, 'REFERRERS_UNSUPPORTED')
    return true
  } catch (err) {
    if (hasCode(err, 'REFERRERS_UNSUPPORTED')) return false
    throw err
  }
}

/** False when there was nothing to remove. */
async function removal(deleting: Promise<void>, absent: ErrorCode): Promise<boolean> {
  try {
    await fromCluster(deleting, absent, 'NAME_UNKNOWN')
    return true
  } catch (err) {
    if (hasCode(err, absent, 'NAME_UNKNOWN')) return false
    throw err
  }
}
