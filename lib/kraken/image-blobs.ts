import { type AbortOptions, appError, throwIfAborted } from '../base/index.ts'
import type { Descriptor, Digest } from '../core/index.ts'
import { type ChildManifest, imageParts, type Platform } from '../registry/index.ts'

/** Manifests of one image, with all that its indexes name; an index of every platform has about 20. */
const MAX_MANIFESTS = 512
/** Their configs and layers; an image of 20 platforms with 100 layers each has half as many. */
const MAX_BLOBS = 4096

/** A manifest of an image: the first one may be known by less than its descriptor. */
type Manifest<Root> = Root | Descriptor

export interface ImageWalk<Root> {
  /** The bytes of a manifest, checked against its digest. */
  readonly read: (manifest: Manifest<Root>, options: AbortOptions) => Promise<Uint8Array>
  /** The machine to get the image for; default every machine. */
  readonly platform?: Platform | undefined
}

/** What an image consists of, each part once, in the order in which its manifests name them. */
export interface ImageContent<Root> {
  /** The image itself, and what its indexes name. */
  readonly manifests: readonly Manifest<Root>[]
  /** Configs and layers. */
  readonly blobs: readonly Descriptor[]
}

/**
 * Reads every manifest of an image on the way. @throws MANIFEST_INVALID, also for an image of too many manifests or
 * blobs; MANIFEST_UNKNOWN when an index has nothing for the platform; what `read` throws
 */
export async function imageContent<Root extends Pick<Descriptor, 'digest'>>(
  { read, platform }: ImageWalk<Root>,
  root: Root,
  options: AbortOptions = {},
): Promise<ImageContent<Root>> {
  const blobs = new Map<Digest, Descriptor>()
  const manifests = new Map<Digest, Manifest<Root>>([[root.digest, root]])
  // A map gives what is added while it is walked.
  for (const manifest of manifests.values()) {
    throwIfAborted(options.signal)
    const parts = imageParts(await read(manifest, options))
    for (const blob of parts.blobs) if (!blobs.has(blob.digest)) blobs.set(blob.digest, plain(blob))
    for (const child of wanted(parts.manifests, platform)) {
      if (!manifests.has(child.digest)) manifests.set(child.digest, plain(child))
    }
    if (manifests.size > MAX_MANIFESTS || blobs.size > MAX_BLOBS)
      throw appError('MANIFEST_INVALID', { message: 'the image has too many manifests, or blobs' })
  }
  return { manifests: [...manifests.values()], blobs: [...blobs.values()] }
}

const plain = ({ digest, mediaType, size }: Descriptor): Descriptor => ({ digest, mediaType, size })

/** The configs and layers of an image. @throws as `imageContent` */
export async function imageBlobs<Root extends Pick<Descriptor, 'digest'>>(
  walk: ImageWalk<Root>,
  root: Root,
  options: AbortOptions = {},
): Promise<readonly Digest[]> {
  return (await imageContent(walk, root, options)).blobs.map(({ digest }) => digest)
}

/** A manifest that says for no machine what it is for is for all. */
function wanted(children: readonly ChildManifest[], platform: Platform | undefined): readonly ChildManifest[] {
  if (platform === undefined || children.length === 0) return children
  const { os, architecture } = platform
  const fits = ({ platform: given }: ChildManifest) =>
    given === undefined || (given.os === os && given.architecture === architecture)
  const fitting = children.filter(fits)
  if (fitting.length > 0) return fitting
  throw appError('MANIFEST_UNKNOWN', { message: `the index has no image for ${os}/${architecture}` })
}
