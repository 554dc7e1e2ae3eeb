import { type AbortOptions, hasCode } from '../../base/index.ts'
import type { Digest } from '../../core/index.ts'
import type { RegistryRepository } from './registry.ts'

type Look<T> = () => Promise<T | undefined>

/**
 * Looks for a content in the two places that a registry has: `blob`, then `manifest`. The two are not one moment: a blob
 * that came in between is no manifest, and registries fail over what is neither (distribution answers 500). So a second
 * look that fails is followed by a third one, at the blob, before it is called an outage.
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

/** The size of a content, a blob or a manifest; undefined when it is neither. */
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
