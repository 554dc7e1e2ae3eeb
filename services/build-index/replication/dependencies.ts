import { type AbortOptions, appError, throwIfAborted } from '../../../lib/base/index.ts'
import { type Descriptor, type Digest, digestAlgorithm, digestOf, MANIFEST_LIMIT } from '../../../lib/core/index.ts'
import { checkManifest } from '../../../lib/registry/index.ts'

/** What one image may consist of; an image that a registry has taken is far below. */
export const dependencyLimits = {
  /** Indexes inside indexes, the root included. */
  depth: 8,
  manifests: 8192,
  /** Bytes of all manifests together; each one is held in memory only while it is read. */
  manifestBytes: 64 * 1024 * 1024,
  blobs: 100_000,
} as const

/** Manifests read at the same time. */
const READS = 8

/** A manifest as it is stored: its bytes, and the media type under which the repository has it. */
export interface StoredManifest {
  readonly mediaType: string
  readonly bytes: Uint8Array
}

export interface DependencyComponents {
  /**
   * Reads a manifest by the digest of the descriptor; its type and size there may be those that a parent names, not its
   * own. Throws MANIFEST_UNKNOWN when the repository does not have it.
   */
  readonly readManifest: (descriptor: Descriptor, options: AbortOptions) => Promise<StoredManifest>
}

/** All that an image consists of, each digest once. */
export interface Dependencies {
  /** Every child before its parents, and the root last; types and sizes are those that are stored. */
  readonly manifests: readonly Descriptor[]
  /** Configs and layers. Not layers that clients get from elsewhere, which no registry asks for. */
  readonly blobs: readonly Descriptor[]
  /** What else indexes name, as build caches do. The repository may or may not have it, as a blob or as a manifest. */
  readonly others: readonly Descriptor[]
}

interface Node {
  readonly descriptor: Descriptor
  readonly children: readonly Digest[]
}

/** What was found so far. */
class Walk {
  readonly nodes = new Map<Digest, Node>()
  readonly #blobs = new Map<Digest, Descriptor>()
  readonly #others = new Map<Digest, Descriptor>()
  #bytes = 0

  /** Takes a manifest; the result are those of its children that are new. @throws REPLICA_TOO_LARGE */
  take(digest: Digest, { mediaType, bytes }: StoredManifest): readonly Descriptor[] {
    const checked = checkManifest(bytes, mediaType)
    const children = checked.manifests.map((child) => child.digest)
    this.nodes.set(digest, { descriptor: { digest, mediaType: checked.mediaType, size: bytes.byteLength }, children })
    this.#bytes += bytes.byteLength
    for (const blob of checked.blobs) this.#blobs.set(blob.digest, this.#blobs.get(blob.digest) ?? blob)
    for (const other of checked.others) this.#others.set(other.digest, this.#others.get(other.digest) ?? other)
    assertWithin('manifestBytes', this.#bytes)
    assertWithin('blobs', this.#blobs.size + this.#others.size)
    return checked.manifests
  }

  result(root: Digest): Dependencies {
    const others = [...this.#others.values()].filter(
      ({ digest }) => !this.nodes.has(digest) && !this.#blobs.has(digest),
    )
    return { manifests: childrenFirst(this.nodes, root), blobs: [...this.#blobs.values()], others }
  }
}

/**
 * Finds all that an image consists of, through indexes at any place in indexes. A digest names its content, so that no
 * manifest can be in itself, and what several name is read once.
 * @throws MANIFEST_INVALID, MANIFEST_UNKNOWN; DIGEST_INVALID when the bytes are not those of the digest;
 * REPLICA_TOO_LARGE above `dependencyLimits`; ABORTED, and what `readManifest` throws
 */
export async function dependenciesOf(
  { readManifest }: DependencyComponents,
  root: Descriptor,
  options: AbortOptions = {},
): Promise<Dependencies> {
  const walk = new Walk()
  const seen = new Set<Digest>([root.digest])
  for (let depth = 1, level: readonly Descriptor[] = [root]; level.length > 0; depth += 1) {
    assertWithin('depth', depth)
    const next = new Map<Digest, Descriptor>()
    for (let i = 0; i < level.length; i += READS) {
      throwIfAborted(options.signal)
      const some = level.slice(i, i + READS)
      const read = await Promise.all(some.map((each) => readManifest(each, options)))
      for (const [at, { digest }] of some.entries()) {
        const stored = proven(digest, read[at] as StoredManifest)
        for (const child of walk.take(digest, stored)) if (!seen.has(child.digest)) next.set(child.digest, child)
      }
    }
    level = [...next.values()]
    for (const { digest } of level) seen.add(digest)
    assertWithin('manifests', seen.size)
  }
  return walk.result(root.digest)
}

function proven(digest: Digest, stored: StoredManifest): StoredManifest {
  if (stored.bytes.byteLength > MANIFEST_LIMIT)
    throw appError('MANIFEST_INVALID', { message: 'the manifest is too large' })
  const actual = digestOf(stored.bytes, digestAlgorithm(digest))
  if (actual !== digest) throw appError('DIGEST_INVALID', { detail: { expected: digest, actual } })
  return stored
}

function assertWithin(limit: keyof typeof dependencyLimits, value: number): void {
  const most = dependencyLimits[limit]
  if (value > most) throw appError('REPLICA_TOO_LARGE', { detail: { limit, most } })
}

/** Takes a manifest when all its parents are taken, the root first, and gives the reverse of that order. */
function childrenFirst(nodes: ReadonlyMap<Digest, Node>, root: Digest): readonly Descriptor[] {
  const parentsLeft = new Map<Digest, number>()
  for (const { children } of nodes.values()) {
    for (const child of children) parentsLeft.set(child, (parentsLeft.get(child) ?? 0) + 1)
  }
  const order: Descriptor[] = []
  const ready = [root]
  for (let digest = ready.pop(); digest !== undefined; digest = ready.pop()) {
    const { descriptor, children } = nodes.get(digest) as Node
    order.push(descriptor)
    for (const child of children) {
      const left = (parentsLeft.get(child) ?? 0) - 1
      parentsLeft.set(child, left)
      if (left === 0) ready.push(child)
    }
  }
  return order.toReversed()
}
