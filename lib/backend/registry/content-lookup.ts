import { type AbortOptions, hasCode } from '../../base/index.ts'
import type { Digest } from '../../core/index.ts'
import type { RegistryRepository } from './registry.ts'

type Look<T> = () => Promise<T | undefined>

/**
 * Looks for content in the two places of a registry: `blob`, then `manifest`. Between the two requests a blob may
 * arrive; it is not a manifest, and registries fail when asked for one that is neither (distribution answers 500). So
 * when the second request fails, the blob is looked up once more before this counts as an outage.
 * @throws what `blob` and `manifest` throw
 */
export async function inEitherPlace<T>({
  blob,
  manifest,
}: {
  readonly blob: Look<T>
  readonly manifest: Look<T>
}): Promise<T | undefined> {
  const found = await blob()
  if (found !== undefined) return found
  try {
    return await manifest()
  } catch (err) {
    if (!hasCode(err, 'BACKEND_UNAVAILABLE', 'BACKEND_REFUSED', 'BACKEND_CORRUPT')) throw err
    const come = await blob()
    if (come === undefined) throw err
    return come
  }
}

/** The size of a blob or a manifest; undefined when there is neither. */
export async function contentSize(
  { blobs, manifests }: RegistryRepository,
  digest: Digest,
  options: AbortOptions = {},
): Promise<number | undefined> {
  return inEitherPlace({
    blob: () => blobs.size(digest, options),
    manifest: async () => (await manifests.describe(digest, options))?.size,
  })
}
