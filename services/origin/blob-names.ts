import type { Backend, Backends } from '../../lib/backend/index.ts'
import { hasCode, keyedLock } from '../../lib/base/index.ts'
import type { Digest } from '../../lib/core/index.ts'
import type { Sidecars } from '../../lib/store/index.ts'
import type { BlobRef } from '../../lib/swarm/index.ts'

/**
 * Under which repositories a blob came here. A blob's key in a store is its digest, but which store it is depends on the
 * repository; those who look after blobs at rest learn it from this.
 */
export interface BlobNames {
  /** Notes the repository beside the blob, unless one of the same store stands there or the blob has gone. */
  add(blob: BlobRef): Promise<void>
  /** One for each store that may have it, at least one: where nothing was noted, one for each rule of the config. */
  of(digest: Digest): Promise<readonly string[]>
  /** The stores that go with these names, each once. */
  stores(digest: Digest): Promise<readonly Backend[]>
}

export interface BlobNamesComponents {
  readonly store: Sidecars
  readonly backends: Pick<Backends, 'backendFor'>
}

export interface BlobNamesInit {
  /** The patterns of the config's rules. */
  readonly patterns: readonly string[]
}

/** `*` stands for any characters, so any will do. */
const sampleOf = (pattern: string) => pattern.replaceAll('*', 'any')

function namesIn(label: Uint8Array | undefined): readonly string[] {
  if (label === undefined || label.length === 0) return []
  try {
    const parsed: unknown = JSON.parse(Buffer.from(label).toString('utf8'))
    if (typeof parsed !== 'object' || parsed === null || !('namespaces' in parsed)) return []
    return Array.isArray(parsed.namespaces) ? parsed.namespaces.filter((name) => typeof name === 'string') : []
  } catch {
    return []
  }
}

export function blobNames({ store, backends }: BlobNamesComponents, { patterns }: BlobNamesInit): BlobNames {
  const locks = keyedLock()
  const samples = patterns.map(sampleOf)

  const of = async (digest: Digest): Promise<readonly string[]> => {
    const noted = namesIn(await store.sidecar(digest, 'label'))
    return noted.length > 0 ? noted : samples
  }

  return {
    add: ({ digest, namespace }) =>
      locks.run(digest, async () => {
        const noted = namesIn(await store.sidecar(digest, 'label'))
        const its = backends.backendFor(namespace)
        if (noted.some((name) => backends.backendFor(name) === its)) return
        const label = Buffer.from(JSON.stringify({ namespaces: [...noted, namespace] }))
        await store.putSidecar(digest, 'label', label).catch((err: unknown) => {
          if (!hasCode(err, 'BLOB_UNKNOWN')) throw err
        })
      }),
    of,
    stores: async (digest) => [...new Set((await of(digest)).map((name) => backends.backendFor(name)))],
  }
}
