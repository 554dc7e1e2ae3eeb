import { Readable } from 'node:stream'
import { appError, type ByteCache, throwIfAborted } from '../../base/index.ts'
import { type ByteRange, type Digest, wholeRange } from '../../core/index.ts'
import type { Backend, ObjectRead, ObjectStat, ReadHints, ReadObjectOptions, StatOptions } from '../backend.ts'
import { digestOfKey } from '../content-key.ts'
import { rangeWithin } from '../object-range.ts'
import { owningSource } from '../receive.ts'
import { contentSize, inEitherPlace } from '../registry/content-lookup.ts'
import type { RegistryRepository } from '../registry/registry.ts'
import type { HeldReads } from './held-reads.ts'

/** What the views of all upstreams share. */
export interface UpstreamMemory {
  readonly held: HeldReads
  /** Manifests that were read a moment ago, by digest: their size was asked first. */
  readonly manifests: ByteCache<Uint8Array>
}

/**
 * One repository of an upstream as a backend of contents by digest; it can neither list nor be written. The question for a
 * size costs the upstream no request of its own when a read follows: the blob's first unit is opened, and a manifest read,
 * when its size is asked.
 */
export function upstreamView(
  name: string,
  repository: RegistryRepository,
  { held, manifests }: UpstreamMemory,
): Backend {
  const keyOf = (digest: Digest) => `${name} ${digest}`

  const manifest = async (digest: Digest, options: StatOptions): Promise<Uint8Array | undefined> => {
    const known = manifests.get(keyOf(digest))
    if (known !== undefined) return known
    const bytes = (await repository.manifests.fetch(digest, options))?.bytes
    if (bytes !== undefined) manifests.set(keyOf(digest), bytes)
    return bytes
  }

  const opened = (
    digest: Digest,
    { as, range, ...options }: ReadObjectOptions,
    blob = () => repository.blobs.open(digest, { ...options, ...(range !== undefined && { range }) }),
  ) =>
    either(
      { as },
      {
        blob,
        async manifest() {
          const bytes = await manifest(digest, { signal: options.signal })
          return bytes && objectOf(digest, bytes, range)
        },
      },
    )

  const firstLook = async (digest: Digest, options: StatOptions): Promise<Look | undefined> => {
    const known = held.look(keyOf(digest)) ?? sizeAlone(manifests.get(keyOf(digest))?.length)
    if (known !== undefined) return known
    if (options.thenRead !== true) return sizeAlone(await contentSize(repository, digest, options))
    const { as, signal } = options
    const object = await opened(digest, { as, signal }, () => repository.blobs.openFirst(digest, { signal }))
    if (object !== undefined && manifests.get(keyOf(digest)) === undefined) held.hold(keyOf(digest), object)
    return object
  }

  return {
    ...nothingElse,
    async stat(key, options = {}) {
      const digest = digestOfKey(key)
      throwIfAborted(options.signal)
      return statOf(digest, await firstLook(digest, options))
    },
    async read(key, { range, ...options } = {}) {
      const { signal } = options
      const digest = digestOfKey(key)
      throwIfAborted(signal)
      if (range !== undefined) rangeWithin(range, Number.MAX_SAFE_INTEGER)
      const known = manifests.get(keyOf(digest))
      if (known !== undefined) return objectOf(digest, known, range)
      const waiting = held.take(keyOf(digest), range)
      if (waiting !== undefined) return waiting
      if (range !== undefined && range.start === range.end)
        return empty(digest, await contentSize(repository, digest, { signal }), range)
      return opened(digest, { ...options, ...(range !== undefined && { range }) })
    },
  }
}

type Look = Pick<ObjectRead, 'size' | 'unitBytes' | 'runBytes'>

const sizeAlone = (size: number | undefined): Look | undefined => (size === undefined ? undefined : { size })

function statOf(digest: Digest, found: Look | undefined): ObjectStat | undefined {
  if (found === undefined) return undefined
  const { size, unitBytes, runBytes } = found
  return { size, etag: digest, ...(unitBytes !== undefined && { unitBytes, runBytes }) }
}

interface Places {
  readonly blob: () => Promise<ObjectRead | undefined>
  readonly manifest: () => Promise<ObjectRead | undefined>
}

/** In both places of the registry, the likelier one first. */
async function either({ as }: ReadHints, look: Places): Promise<ObjectRead | undefined> {
  return as === 'manifest' ? ((await look.manifest()) ?? look.blob()) : inEitherPlace(look)
}

const nothingElse: Omit<Backend, 'stat' | 'read'> = {
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
  write: (_key, source) => owningSource(source, () => Promise.reject(readOnly())),
  list: () => Promise.reject(appError('UNSUPPORTED', { message: 'a registry does not list its blobs' })),
  delete: () => Promise.reject(readOnly()),
}

function objectOf(digest: Digest, bytes: Uint8Array, range: ByteRange | undefined): ObjectRead {
  const { start, end } = range === undefined ? wholeRange(bytes.length) : rangeWithin(range, bytes.length)
  const body = Readable.from([bytes.subarray(start, end)], { objectMode: false })
  return { size: bytes.length, etag: digest, body }
}

function empty(digest: Digest, size: number | undefined, range: ByteRange): ObjectRead | undefined {
  if (size === undefined) return undefined
  rangeWithin(range, size)
  return { size, etag: digest, body: Readable.from([]) }
}

function readOnly() {
  return appError('BACKEND_READ_ONLY', { message: 'nothing is written to an upstream registry' })
}
