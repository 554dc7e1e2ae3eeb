import {
  type JobKind,
  type KeptJob,
  MAX_ORDER_ITEMS,
  type ManifestLinks,
  type OrderItem,
  type OriginCluster,
  type TagIndex,
} from '../../../lib/api/index.ts'
import { type AbortOptions, appError } from '../../../lib/base/index.ts'
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestOf,
  MANIFEST_LIMIT,
  parseDigest,
  parseRepository,
  type Repository,
  URL_REGISTRY,
} from '../../../lib/core/index.ts'
import { imageContent, parseImageTag } from '../../../lib/kraken/index.ts'
import type { Platform } from '../../../lib/registry/index.ts'
import type { Walk } from './job-content.ts'

/** What an admin's text stands for now. */
export type Target = Pick<KeptJob, 'digest' | 'repository' | 'manifest' | 'size'>

export interface TargetsComponents {
  readonly index: Pick<TagIndex, 'getTag'> & Pick<ManifestLinks, 'getManifest'>
  readonly origins: Pick<OriginCluster, 'readBlob' | 'statBlob'>
}

/** Finds images and blobs by what admins call them, and what images consist of. */
export interface Targets {
  /**
   * A tag is looked up once: what it points to later changes nothing. What is no manifest of the repository is a blob of it.
   * @throws MANIFEST_UNKNOWN (no such tag), BLOB_UNKNOWN and BODY_INVALID for what is to be fetched and cannot be,
   * TAG_INVALID, NAME_INVALID, DIGEST_INVALID, NO_HEALTHY_MEMBER
   */
  find(text: string, kind: JobKind, options: AbortOptions): Promise<Target>
  /**
   * The manifests of an image, and then its configs and layers, for any of the platforms; of a blob the blob.
   * @throws MANIFEST_UNKNOWN, MANIFEST_INVALID, BACKEND_CORRUPT, and what origins answer
   */
  readonly walk: Walk
  /** What a text stands for, and of what that consists: for these platforms, or for every machine. @throws as the others */
  content(text: string, platforms: readonly string[], options: AbortOptions): Promise<Content>
}

export interface Content extends Pick<Target, 'digest' | 'repository'> {
  readonly image: boolean
  readonly items: readonly OrderItem[]
}

const digestShape = /^[a-z0-9]+:[0-9a-f]{64,}$/

const platformOf = (text: string): Platform => {
  const [os = '', architecture = ''] = text.split('/')
  return { os, architecture }
}

export function targets({ index, origins }: TargetsComponents): Targets {
  const byDigest = async (text: string, kind: JobKind, options: AbortOptions): Promise<Target> => {
    const at = text.lastIndexOf('@')
    const [repository, digest] = [parseRepository(text.slice(0, at)), parseDigest(text.slice(at + 1))]
    // What lies under a URL is a blob, of which no index knows.
    const isUrl = repository.registry === URL_REGISTRY
    const found = isUrl ? undefined : await index.getManifest(repository, digest, options)
    if (found !== undefined) return imageTarget(repository, found)
    const blob = await origins.statBlob(repository, digest, options)
    if (blob === undefined && kind === 'preload') throw appError('BLOB_UNKNOWN', { detail: { digest } })
    return { repository, digest, ...blob }
  }
  const byTag = async (text: string, options: AbortOptions): Promise<Target> => {
    const { repository, tag } = parseImageTag(text)
    const found = await index.getTag(repository, tag, options)
    if (found === undefined) throw appError('MANIFEST_UNKNOWN', { message: 'there is no such tag', detail: { tag } })
    return imageTarget(repository, found)
  }
  const find: Targets['find'] = async (text, kind, options) => {
    if (text.includes('@')) return byDigest(text, kind, options)
    if (!digestShape.test(text)) return byTag(text, options)
    if (kind !== 'preload') return { digest: parseDigest(text) }
    throw appError('BODY_INVALID', { message: 'say where to fetch the blob from: repository@digest' })
  }
  const itemsOf = async (
    { repository, digest, manifest, size }: Target,
    machines: readonly (Platform | undefined)[],
    options: AbortOptions,
  ): Promise<readonly OrderItem[]> => {
    if (repository === undefined || manifest === undefined) return [{ digest, ...(size !== undefined && { size }) }]
    const read = (descriptor: Descriptor, reading: AbortOptions) =>
      readManifest(origins, { repository, ...descriptor }, reading)
    const items = new Map<Digest, OrderItem>()
    for (const platform of machines) {
      const { manifests, blobs } = await imageContent({ read, platform }, { digest, ...manifest }, options)
      for (const { mediaType, ...part } of manifests) items.set(part.digest, { ...part, mediaType })
      for (const blob of blobs) if (!items.has(blob.digest)) items.set(blob.digest, sized(blob))
      assertOrderable(items)
    }
    return [...items.values()]
  }
  return {
    find,
    walk: (job, platforms, signal) => itemsOf(job, platforms.map(platformOf), { signal }),
    async content(text, platforms, options) {
      const target = await find(text, 'query', options)
      const machines = platforms.length === 0 ? [undefined] : platforms.map(platformOf)
      const { digest, repository, manifest } = target
      return { digest, repository, image: manifest !== undefined, items: await itemsOf(target, machines, options) }
    },
  }
}

/** Whether one order can name all this, and its host say how far it is. @throws MANIFEST_INVALID */
function assertOrderable(items: ReadonlyMap<Digest, OrderItem>): void {
  if (items.size > MAX_ORDER_ITEMS) {
    throw appError('MANIFEST_INVALID', { detail: { blobs: items.size, limit: MAX_ORDER_ITEMS } })
  }
  let bytes = 0
  for (const { size = 0 } of items.values()) bytes += size
  if (bytes > Number.MAX_SAFE_INTEGER) {
    throw appError('MANIFEST_INVALID', { message: 'the sizes in the image are more than can be counted' })
  }
}

const sized = ({ digest, size }: Descriptor): OrderItem => ({ digest, size })

const imageTarget = (repository: Repository, { digest, mediaType, size }: Descriptor): Target => ({
  ...{ repository, digest, manifest: { mediaType, size } },
})

interface Wanted extends Pick<Descriptor, 'digest' | 'size'> {
  readonly repository: Repository
}

async function readManifest(
  origins: TargetsComponents['origins'],
  { repository, digest, size }: Wanted,
  { signal }: AbortOptions,
): Promise<Uint8Array> {
  if (size > MANIFEST_LIMIT) throw appError('MANIFEST_INVALID', { detail: { size, limit: MANIFEST_LIMIT } })
  const range = { start: 0, end: size }
  const { body } = await origins.readBlob(repository, digest, { signal, range, patient: true })
  const bytes = Buffer.concat(await body.toArray({ signal }))
  if (digestOf(bytes, digestAlgorithm(digest)) !== digest) throw appError('BACKEND_CORRUPT', { detail: { digest } })
  return bytes
}
