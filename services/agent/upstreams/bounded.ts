import type { AbortOptions } from '../../../lib/base/index.ts'
import { OWN_REGISTRY, type Repository } from '../../../lib/core/index.ts'
import type { BlobReader } from '../../../lib/store/index.ts'
import type { SwarmEngine } from '../../../lib/swarm/index.ts'
import type { LinkIndex } from '../links/index.ts'
import type { Ways } from './ways.ts'

/**
 * The questions to the build-indexes; those about repositories of other registries wait for a silent cluster once only.
 * @throws UPSTREAM_UNREACHABLE besides
 */
export function boundedIndex(index: LinkIndex, ways: Ways): LinkIndex {
  const bounded = <T>({ registry }: Repository, options: AbortOptions, ask: (signal: AbortSignal) => Promise<T>) =>
    ways.go(registry, ask, { signal: options.signal })

  return {
    getTag: (repository, tag, options = {}) =>
      repository.registry === OWN_REGISTRY
        ? index.getTag(repository, tag, options)
        : bounded(repository, options, (signal) => index.getTag(repository, tag, { ...options, signal })),
    getManifest: (repository, digest, options = {}) =>
      repository.registry === OWN_REGISTRY
        ? index.getManifest(repository, digest, options)
        : bounded(repository, options, (signal) => index.getManifest(repository, digest, { ...options, signal })),
    getBlob: (repository, digest, options = {}) =>
      repository.registry === OWN_REGISTRY
        ? index.getBlob(repository, digest, options)
        : bounded(repository, options, (signal) => index.getBlob(repository, digest, { ...options, signal })),
  }
}

export interface BoundedOpenComponents {
  readonly engine: Pick<SwarmEngine, 'open'>
  readonly store: Pick<BlobReader, 'stat'>
  readonly ways: Ways
}

/**
 * `open` of the engine; for blobs of other registries that are not here it waits for a silent cluster once only.
 * @throws UPSTREAM_UNREACHABLE besides
 */
export function boundedOpen({ engine, store, ways }: BoundedOpenComponents): Pick<SwarmEngine, 'open'> {
  return {
    async open(blob, options = {}) {
      const { registry } = blob.repository
      if (registry === OWN_REGISTRY || (await store.stat(blob.digest)) !== undefined) return engine.open(blob, options)
      return ways.go(registry, (signal) => engine.open(blob, { ...options, signal }), {
        signal: options.signal,
        drop: (handle) => handle.close(),
      })
    },
  }
}
