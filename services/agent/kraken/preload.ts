import { type AbortOptions, appError } from '../../../lib/base/index.ts'
import { type ImageTag, imageBlobs } from '../../../lib/kraken/index.ts'
import type { Manifests, Platform } from '../../../lib/registry/index.ts'
import type { BringBlob } from '../bring-blob.ts'
import { together } from '../together.ts'

/** Blobs of an image that are pulled at the same time, as many as docker pulls. */
const AT_ONCE = 3

export interface PreloadComponents {
  readonly bring: BringBlob
  readonly manifests: Manifests
  /** The machine that the images are for. */
  readonly platform: Platform
}

/**
 * Pulls all blobs of an image into the cache of the agent, of an index those for this machine; returns when they are
 * here. The first blob that fails ends the others, and all have ended when the promise settles.
 * @throws MANIFEST_UNKNOWN when there is no such tag, and what bringing a blob throws
 */
export type Preload = (image: ImageTag, options?: AbortOptions) => Promise<void>

export function preload({ bring, manifests, platform }: PreloadComponents): Preload {
  return async ({ repository, tag }, options = {}) => {
    const root = await manifests.resolve(repository, { kind: 'tag', tag }, options)
    if (root === undefined) throw appError('MANIFEST_UNKNOWN', { message: 'there is no such tag', detail: { tag } })
    const walk = {
      platform,
      read: (manifest: typeof root, reading: AbortOptions) => manifests.read(repository, manifest, reading),
    }
    const blobs = [...(await imageBlobs(walk, root, options))]
    await together(blobs, { ...options, atOnce: AT_ONCE }, async (digest, working) => {
      await bring({ repository, digest }, working)
    })
  }
}
