import { Readable } from 'node:stream'
import { type AbortOptions, appError, throwIfAborted } from '../../base/index.ts'
import { type ByteRange, type Digest, wholeRange } from '../../core/index.ts'
import type { Backend, ObjectRead, ObjectStat, WriteOptions } from '../backend.ts'
import { PROBED_KEY } from '../backend-probe.ts'
import type { Backends } from '../backends.ts'
import { digestOfKey } from '../content-key.ts'
import { rangeWithin } from '../object-range.ts'
import { owningSource } from '../receive.ts'
import type { RegistryConfig } from './config.ts'
import { contentSize, inEitherPlace } from './content-lookup.ts'
import { openRegistry, type Registry, type RegistryComponents, type RegistryRepository } from './registry.ts'

/** The contents of a registry by digest, with a view for each repository; it can neither list nor hold other keys. */
export function registryBackend(components: RegistryComponents, config: RegistryConfig): Backends {
  const registry = openRegistry(components, config)
  return {
    start: () => registry.start(),
    stop: () => registry.stop(),
    backendFor: (repository) => viewOf(registry, registry.repository(repository)),
  }
}

function viewOf(registry: Registry, repository: RegistryRepository): Backend {
  const stat = async (digest: Digest, options: AbortOptions): Promise<ObjectStat | undefined> => {
    const size = await contentSize(repository, digest, options)
    return size === undefined ? undefined : { size, etag: digest }
  }

  const checkCondition = async (digest: Digest, { ifAbsent, ifMatch, signal }: WriteOptions) => {
    if (ifAbsent !== true && ifMatch === undefined) return
    const found = await stat(digest, { signal })
    const holds = ifAbsent === true ? found === undefined : found?.etag === ifMatch
    if (!holds) throw appError('BACKEND_PRECONDITION_FAILED')
  }

  return {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    async stat(key, options = {}) {
      throwIfAborted(options.signal)
      if (key === PROBED_KEY) {
        await registry.ping(options)
        return undefined
      }
      const digest = digestOfKey(key)
      const found = await stat(digest, options)
      return found && { ...found, ...(options.thenRead === true && repository.blobs.begin(digest)) }
    },
    async read(key, { range, ...options } = {}) {
      const digest = digestOfKey(key)
      throwIfAborted(options.signal)
      if (range !== undefined) rangeWithin(range, Number.MAX_SAFE_INTEGER)
      if (range !== undefined && range.start === range.end) return empty(await stat(digest, options), range)
      return inEitherPlace({
        blob: () => repository.blobs.open(digest, { ...options, ...(range !== undefined && { range }) }),
        manifest: () => manifest(repository, digest, { ...options, range }),
      })
    },
    write: (key, source, options) =>
      owningSource(source, async () => {
        const digest = digestOfKey(key)
        throwIfAborted(options.signal)
        await checkCondition(digest, options)
        await repository.upload(source, { digest, size: options.size, signal: options.signal })
        return { size: options.size, etag: digest }
      }),
    list: (_prefix, { signal } = {}) => Promise.reject(signal?.aborted === true ? aborted(signal) : unlisted()),
    async delete(key, { ifMatch, signal } = {}) {
      const digest = digestOfKey(key)
      throwIfAborted(signal)
      if (ifMatch !== undefined && ifMatch !== digest && (await stat(digest, { signal })) !== undefined) {
        throw appError('BACKEND_PRECONDITION_FAILED')
      }
      await repository.blobs.remove(digest, { signal })
    },
  }
}

function empty(found: ObjectStat | undefined, range: ByteRange): ObjectRead | undefined {
  if (found === undefined) return undefined
  rangeWithin(range, found.size)
  return { ...found, body: Readable.from([]) }
}

async function manifest(
  { manifests }: RegistryRepository,
  digest: Digest,
  { range, ...options }: AbortOptions & { readonly range: ByteRange | undefined },
): Promise<ObjectRead | undefined> {
  const found = await manifests.fetch(digest, options)
  if (found === undefined) return undefined
  const { start, end } = range === undefined ? wholeRange(found.size) : rangeWithin(range, found.size)
  return {
    size: found.size,
    etag: digest,
    body: Readable.from([found.bytes.subarray(start, end)], { objectMode: false }),
  }
}

function unlisted() {
  return appError('UNSUPPORTED', { message: 'a registry does not list its blobs' })
}

function aborted(signal: AbortSignal) {
  return appError('ABORTED', { cause: signal.reason })
}
