import type { BuildIndex, OriginCluster } from '../../../lib/api/index.ts'
import { type AbortOptions, appError, hasCode } from '../../../lib/base/index.ts'
import { type Descriptor, MANIFEST_LIMIT, type Repository } from '../../../lib/core/index.ts'
import { dependenciesOf, type StoredManifest } from './dependencies.ts'

export interface PlanComponents {
  readonly index: BuildIndex
  readonly origins: Pick<OriginCluster, 'readBlob'>
}

/** All that must be at the remote before a tag is. */
export interface Plan {
  /** Children before their parents, the root last. */
  readonly manifests: readonly Descriptor[]
  readonly blobs: readonly Descriptor[]
}

/** The bytes of a manifest. @throws MANIFEST_UNKNOWN when no origin has it, MANIFEST_INVALID when it is too large */
export async function manifestBytes(
  origins: PlanComponents['origins'],
  repository: Repository,
  { digest }: Pick<Descriptor, 'digest'>,
  { signal }: AbortOptions,
): Promise<Uint8Array> {
  try {
    const { size, body } = await origins.readBlob(repository, digest, { signal, patient: true })
    if (size <= MANIFEST_LIMIT) return Buffer.concat(await body.toArray({ signal }))
    body.destroy()
  } catch (err) {
    throw hasCode(err, 'BLOB_UNKNOWN') ? appError('MANIFEST_UNKNOWN', { detail: { digest }, cause: err }) : err
  }
  throw appError('MANIFEST_INVALID', { message: 'the manifest is too large', detail: { digest } })
}

/** What the manifest of a tag needs. @throws what `dependenciesOf` and `manifestBytes` throw */
export async function planOf(
  { index, origins }: PlanComponents,
  repository: Repository,
  root: Descriptor,
  options: AbortOptions,
): Promise<Plan> {
  const readManifest = async (descriptor: Descriptor, within: AbortOptions): Promise<StoredManifest> => {
    const stored =
      (await index.getManifest(repository, descriptor.digest, within)) ??
      (descriptor.digest === root.digest ? root : undefined)
    if (stored === undefined) throw appError('MANIFEST_UNKNOWN', { detail: { digest: descriptor.digest } })
    return { mediaType: stored.mediaType, bytes: await manifestBytes(origins, repository, descriptor, within) }
  }
  const { manifests, blobs, others } = await dependenciesOf({ readManifest }, root, options)
  const [moreManifests, moreBlobs]: [Descriptor[], Descriptor[]] = [[], []]
  for (const other of others) {
    const manifest = await index.getManifest(repository, other.digest, options)
    if (manifest !== undefined) moreManifests.push(manifest)
    else if ((await index.getBlob(repository, other.digest, options)) !== undefined) moreBlobs.push(other)
  }
  return { manifests: [...moreManifests, ...manifests], blobs: [...blobs, ...moreBlobs] }
}
