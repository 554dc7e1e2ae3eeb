import { Readable } from 'node:stream'
import type { BuildIndex } from '../../lib/api/index.ts'
import {
  type BlobRef,
  type Descriptor,
  type Digest,
  digestOf,
  type Repository,
  type Tag,
} from '../../lib/core/index.ts'
import { memoryStore } from '../../lib/store/index.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'
import { refusals } from '../../services/origin/bring/refusals.ts'
import { sourceKeys } from '../../services/origin/bring/source-keys.ts'
import { condemnedBlobs } from '../../services/origin/garbage/condemned.ts'
import { writeToBackend } from '../../services/origin/push/backend-write.ts'
import { keepBlob } from '../../services/origin/push/keep-blob.ts'
import { type GarbageWorld, indexOf, type Life, seenBy } from './garbage-lab.ts'

/** An image of a repository: its layers, and a manifest that names them. */
export interface PushedImage {
  readonly repository: Repository
  readonly layers: readonly Uint8Array[]
  readonly manifest: Uint8Array
  readonly descriptor: Descriptor
  readonly tag: Tag | undefined
}

/** What a proxy and an origin do for one client; both die with its life. */
export interface Pusher {
  /** As clients push: what is there is not sent, what may be mounted is. @throws MANIFEST_BLOB_UNKNOWN */
  push(image: PushedImage, mountFrom: Repository): Promise<void>
  remove(image: PushedImage): Promise<void>
}

export function pusher(world: GarbageWorld, life: Life): Pusher {
  const { clock, random } = world
  const { index } = indexOf(world, life)
  const blobs = seenBy(world, world.plain.blobs, life)
  const backends = { backendFor: () => blobs }
  const parts = {
    backends,
    refusals: refusals(clock, sourceKeys(backends)),
    condemned: condemnedBlobs({ clock, random }),
    onSent: () => undefined,
  }
  const store = memoryStore({ clock, random, logger: silentLogger() }, { capacityBytes: 1 })
  const write = (blob: BlobRef, bytes: Uint8Array) =>
    writeToBackend(parts, { blob, size: bytes.length, read: async () => Readable.from([bytes]) }, {})

  const mounted = async (repository: Repository, digest: Digest, from: Repository): Promise<boolean> => {
    const link = await index.getBlob(from, digest)
    if (link === undefined) return false
    const later = { store, writeBack: { keep: unused }, durabilityOf: () => 'backend' as const }
    try {
      await keepBlob({ ...parts, ...later }, { repository, digest })
    } catch (err) {
      if ((err as { readonly code?: string }).code === 'BLOB_UNKNOWN') return false
      throw err
    }
    await index.putBlob(repository, link)
    return true
  }

  const upload = async (repository: Repository, bytes: Uint8Array) => {
    const digest = digestOf(bytes)
    await write({ repository, digest }, bytes)
    const beganMs = clock.now()
    await clock.sleep(Math.floor(random.next() * 100))
    await index.putBlob(repository, { digest, size: bytes.length })
    world.onSpan?.(clock.now() - beganMs)
  }

  return {
    async push({ repository, layers, manifest, descriptor, tag }, mountFrom) {
      for (const bytes of layers) {
        const digest = digestOf(bytes)
        if ((await index.getBlob(repository, digest)) !== undefined) continue
        if (random.next() < 0.3 && (await mounted(repository, digest, mountFrom))) continue
        await upload(repository, bytes)
      }
      const beganMs = clock.now()
      for (const bytes of layers) await requireLink(index, repository, digestOf(bytes))
      await upload(repository, manifest)
      await index.putManifest(repository, descriptor)
      world.onSpan?.(clock.now() - beganMs)
      if (tag !== undefined) await index.putTag(repository, tag, { descriptor })
    },
    async remove({ repository, descriptor: { digest } }) {
      await unless('MANIFEST_UNKNOWN', index.deleteManifest(repository, digest))
      await unless('BLOB_UNKNOWN', index.deleteBlob(repository, digest))
    },
  }
}

const unused = () => Promise.reject(new Error('not of this durability'))

async function requireLink(index: BuildIndex, repository: Repository, digest: Digest): Promise<void> {
  if ((await index.getBlob(repository, digest)) === undefined)
    throw Object.assign(new Error(digest), { code: 'MANIFEST_BLOB_UNKNOWN' })
}

async function unless(code: string, work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (err) {
    if ((err as { readonly code?: string }).code !== code) throw err
  }
}
