import { finished } from 'node:stream/promises'
import { type AbortOptions, appError } from '../../../lib/base/index.ts'
import { type BlobRef, type Digest, wholeRange } from '../../../lib/core/index.ts'
import { type ImageTag, imageBlobs } from '../../../lib/kraken/index.ts'
import type { Manifests, Platform } from '../../../lib/registry/index.ts'
import type { BlobReader } from '../../../lib/store/index.ts'
import type { Pulls } from '../pulls.ts'

/** Blobs of an image that are pulled at the same time, as many as docker pulls. */
const AT_ONCE = 3

export interface PreloadComponents {
  readonly store: Pick<BlobReader, 'stat'>
  readonly manifests: Manifests
  readonly pulls: Pulls
  /** The machine that the images are for. */
  readonly platform: Platform
}

/**
 * Pulls all blobs of an image into the cache of the agent, of an index those for this machine; returns when they are
 * here. The first blob that fails ends the others, and all have ended when the promise settles.
 * @throws MANIFEST_UNKNOWN when there is no such tag, and what a pull throws
 */
export type Preload = (image: ImageTag, options?: AbortOptions) => Promise<void>

export function preload({ store, manifests, pulls, platform }: PreloadComponents): Preload {
  const bring = async (blob: BlobRef, options: AbortOptions) => {
    if ((await store.stat(blob.digest)) !== undefined) return
    const pull = await pulls.find(blob, options)
    try {
      const body = await pull.open(wholeRange(pull.size), { ...options, transient: true })
      try {
        // Nobody wants the bytes here: what arrives is kept.
        await finished(body.resume(), options)
      } finally {
        body.destroy()
      }
    } finally {
      pull.close()
    }
  }

  return async ({ repository, tag }, options = {}) => {
    const root = await manifests.resolve(repository, { kind: 'tag', tag }, options)
    if (root === undefined) throw appError('MANIFEST_UNKNOWN', { message: 'there is no such tag', detail: { tag } })
    const walk = {
      platform,
      read: (manifest: typeof root, reading: AbortOptions) => manifests.read(repository, manifest, reading),
    }
    const waiting = [...(await imageBlobs(walk, root, options))].reverse()
    await together(options, async (working) => {
      for (let digest: Digest | undefined = waiting.pop(); digest !== undefined; digest = waiting.pop())
        await bring({ repository, digest }, working)
    })
  }
}

/** Runs the work several times over, until all have ended. @throws what the first of them threw that failed */
async function together(
  { signal }: AbortOptions,
  work: (options: { readonly signal: AbortSignal }) => Promise<void>,
): Promise<void> {
  const failure = new AbortController()
  const working = signal === undefined ? failure.signal : AbortSignal.any([signal, failure.signal])
  const failed: unknown[] = []
  const attempt = async () => {
    try {
      await work({ signal: working })
    } catch (err) {
      failed.push(err)
      failure.abort()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, attempt))
  if (failed.length > 0) throw failed[0]
}
