import type { OriginCluster, TagIndex } from '../../../lib/api/index.ts'
import { type AbortOptions, appError, type Clock, hasCode, type Random, retry } from '../../../lib/base/index.ts'
import type { BlobRef, Repository } from '../../../lib/core/index.ts'
import { type ImageTag, imageBlobs } from '../../../lib/kraken/index.ts'
import { fromCluster } from '../cluster-error.ts'
import type { ManifestBytes, StoredManifest } from '../manifest-bytes.ts'

/** A registry may tell of a manifest a moment before it has it. */
const TRIES = { attempts: 4, baseMs: 200, maxMs: 1_600 }

export interface FindBlobsComponents {
  readonly index: Pick<TagIndex, 'getTag'>
  readonly origins: Pick<OriginCluster, 'statBlob'>
  readonly manifests: Pick<ManifestBytes, 'read'>
  readonly clock: Clock
  readonly random: Random
}

/** All blobs of the image that a tag points to, for every machine. @throws MANIFEST_UNKNOWN, MANIFEST_INVALID */
export async function taggedBlobs(
  components: FindBlobsComponents,
  { repository, tag }: ImageTag,
  options: AbortOptions,
): Promise<readonly BlobRef[]> {
  const root = await fromCluster(components.index.getTag(repository, tag, options))
  if (root === undefined) throw appError('MANIFEST_UNKNOWN', { message: 'there is no such tag', detail: { tag } })
  return blobsOf(components, { repository, root }, options)
}

/**
 * All blobs of an image that was pushed somewhere. Its manifest is looked for at the origins, by its digest alone: the
 * registry that it was pushed to may be the backend. @throws MANIFEST_UNKNOWN, MANIFEST_INVALID
 */
export function pushedBlobs(
  components: FindBlobsComponents,
  { repository, digest }: BlobRef,
  options: AbortOptions,
): Promise<readonly BlobRef[]> {
  const find = async () => {
    const found = await fromCluster(components.origins.statBlob(repository, digest, options))
    if (found === undefined) throw appError('MANIFEST_UNKNOWN', { detail: { digest } })
    return blobsOf(components, { repository, root: { digest, size: found.size } }, options)
  }
  return retry(components, TRIES, find, { ...options, again: (err) => hasCode(err, 'MANIFEST_UNKNOWN') })
}

async function blobsOf(
  { manifests }: FindBlobsComponents,
  { repository, root }: { readonly repository: Repository; readonly root: StoredManifest },
  options: AbortOptions,
): Promise<readonly BlobRef[]> {
  const read = (manifest: StoredManifest, reading: AbortOptions) => manifests.read(repository, manifest, reading)
  const digests = await imageBlobs({ read }, root, options)
  return digests.map((digest) => ({ repository, digest }))
}
