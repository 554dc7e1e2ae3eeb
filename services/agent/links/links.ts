import type { BlobLinks, LinkedManifest, ManifestLinks, TagIndex } from '../../../lib/api/index.ts'
import { type AbortOptions, appError, type Clock, freshLooks } from '../../../lib/base/index.ts'
import type { BlobRef, Descriptor, Digest, Repository, Tag } from '../../../lib/core/index.ts'
import type { FoundLink, KeptLinks } from './kept-links.ts'
import { outage } from './outage.ts'
import { type LinkKind, linkKey, type Proof, proofNow } from './proof.ts'
import { ProofBook, type ProofBookInit } from './proof-book.ts'

/** The questions that an agent asks the build-indexes about a repository. */
export interface LinkIndex
  extends Pick<BlobLinks, 'getBlob'>,
    Pick<ManifestLinks, 'getManifest'>,
    Pick<TagIndex, 'getTag'> {}

export interface LinksComponents {
  readonly clock: Clock
  readonly index: LinkIndex
  readonly kept: Pick<KeptLinks, 'find' | 'keep' | 'drop'>
}

/** What a tag points to; `staleSinceMs` as in `LinkedManifest`. */
export type TaggedManifest = Descriptor & Pick<LinkedManifest, 'staleSinceMs'>

/**
 * What belongs to which repository, as the build-indexes say; while none of them answers, as this agent has proven it
 * before. Nothing is given under the name of a repository without asking here.
 */
export interface Links {
  /** The blob may be given at once: that was proven a moment ago. */
  isFresh(blob: BlobRef): boolean
  /** It was proven before, or a manifest of the repository names the blob: `requireBlob` most likely says yes. */
  expects(blob: BlobRef): boolean
  /** @throws BLOB_UNKNOWN unless the repository links the blob, ABORTED, and what the build-indexes fail with */
  requireBlob(blob: BlobRef, options?: AbortOptions): Promise<void>
  /** The manifest as the repository has it; undefined when it has none. @throws ABORTED, what the build-indexes fail with */
  manifest(repository: Repository, digest: Digest, options?: AbortOptions): Promise<Descriptor | undefined>
  /** What the tag points to. Nothing answers this while no build-index does. @throws as `manifest` */
  tag(repository: Repository, tag: Tag, options?: AbortOptions): Promise<TaggedManifest | undefined>
  /** Asks for a manifest that did not come from here. @throws MANIFEST_UNKNOWN, ABORTED, what the build-indexes fail with */
  requireManifest(repository: Repository, manifest: Descriptor, options?: AbortOptions): Promise<void>
  /**
   * The bytes of a manifest for which there is a proof name these configs and layers: whoever pushed it had to have them
   * in the repository.
   */
  names(repository: Repository, manifest: Descriptor, blobs: readonly Digest[]): void
}

export function links(components: LinksComponents, init: ProofBookInit): Links {
  return new AgentLinks(components, init)
}

/** A manifest that was given out, and why. */
interface Given {
  readonly proof: Proof
  readonly follows: boolean
}

class AgentLinks implements Links {
  readonly #components: LinksComponents
  readonly #book: ProofBook
  readonly #outage: ReturnType<typeof outage>
  /** A pause between looks in vain is up to the build-index, which hears of pushes. */
  readonly #looks: ReturnType<typeof freshLooks<true>>
  readonly #given = new WeakMap<Descriptor, Given>()

  constructor(components: LinksComponents, init: ProofBookInit) {
    const { clock } = components
    this.#components = components
    this.#book = new ProofBook(clock, init)
    this.#outage = outage(clock)
    this.#looks = freshLooks(clock, { pauseMs: 0, maxNames: 1 })
  }

  isFresh({ repository, digest }: BlobRef): boolean {
    return this.#book.isFresh(linkKey('blob', repository, digest))
  }

  expects({ repository, digest }: BlobRef): boolean {
    return this.#book.knows(linkKey('blob', repository, digest))
  }

  async requireBlob({ repository, digest }: BlobRef, { signal }: AbortOptions = {}): Promise<void> {
    const key = linkKey('blob', repository, digest)
    if (this.#book.isFresh(key)) return
    const kept = () => this.#components.kept.find({ kind: 'blob', repository, digest })
    const isLinked = await this.#outage.answer<true>(
      {
        repository,
        ask: (leave) => this.#looks.look(key, (left) => this.#askForBlob(repository, digest, left), { signal: leave }),
        earlier: async () => (this.#book.outlasts(key) || (await kept()) !== undefined ? true : undefined),
      },
      { signal },
    )
    if (isLinked !== true) throw appError('BLOB_UNKNOWN', { detail: { digest } })
  }

  async manifest(repository: Repository, digest: Digest, { signal }: AbortOptions = {}) {
    return this.#outage.answer<Descriptor>(
      {
        repository,
        ask: async (leave) => {
          const proof = proofNow(this.#components.clock)
          const found = await this.#components.index.getManifest(repository, digest, {
            signal: leave,
            remembered: true,
          })
          if (found === undefined) this.#refute('manifest', { repository, digest })
          return found && this.#prove(repository, found, proof)
        },
        earlier: () => this.#earlierManifest({ repository, digest }),
      },
      { signal },
    )
  }

  async tag(repository: Repository, tag: Tag, options?: AbortOptions) {
    const proof = proofNow(this.#components.clock)
    const found = await this.#components.index.getTag(repository, tag, options)
    return found && this.#prove(repository, found, proof)
  }

  async requireManifest(repository: Repository, manifest: Descriptor, options?: AbortOptions): Promise<void> {
    if (this.#given.has(manifest)) return
    const { digest } = manifest
    const found = await this.manifest(repository, digest, options)
    const given = found && this.#given.get(found)
    if (given === undefined) throw appError('MANIFEST_UNKNOWN', { detail: { digest } })
    this.#given.set(manifest, given)
  }

  names(repository: Repository, manifest: Descriptor, blobs: readonly Digest[]): void {
    const given = this.#given.get(manifest)
    if (given === undefined) return
    for (const digest of blobs)
      this.#book.name(linkKey('blob', repository, digest), { ...given.proof, follows: given.follows })
  }

  /** Another look may have ended while this one waited. */
  async #askForBlob(repository: Repository, digest: Digest, signal: AbortSignal): Promise<true | undefined> {
    const { clock, index, kept } = this.#components
    const key = linkKey('blob', repository, digest)
    if (this.#book.isFresh(key)) return true
    const proof = proofNow(clock)
    const found = await index.getBlob(repository, digest, { signal, remembered: true })
    if (found === undefined) {
      this.#refute('blob', { repository, digest })
      return undefined
    }
    this.#book.prove(key, proof)
    kept.keep({ repository, digest }, { provenAtMs: proof.askedAtMs })
    return true
  }

  async #earlierManifest({ repository, digest }: BlobRef): Promise<Descriptor | undefined> {
    const known = this.#book.manifest(linkKey('manifest', repository, digest))
    if (known !== undefined) return this.#give(known.manifest, { proof: known.proof, follows: false })
    const kept = await this.#components.kept.find({ kind: 'manifest', repository, digest })
    if (kept?.mediaType === undefined) return undefined
    const { mediaType, size } = kept
    return this.#give({ digest, mediaType, size }, { proof: fromDisk(kept), follows: false })
  }

  #prove(repository: Repository, found: LinkedManifest, proof: Proof): TaggedManifest {
    const { blobsFollow = false, staleSinceMs, ...manifest } = found
    const { digest, mediaType } = manifest
    this.#book.prove(linkKey('manifest', repository, digest), { ...proof, manifest })
    this.#components.kept.keep({ repository, digest }, { provenAtMs: proof.askedAtMs, mediaType })
    const given = { proof, follows: blobsFollow }
    return this.#give(staleSinceMs === undefined ? manifest : { ...manifest, staleSinceMs }, given)
  }

  /** A copy for each, so that each has the proof with which it was given. */
  #give(manifest: TaggedManifest, given: Given): TaggedManifest {
    const copy = { ...manifest }
    this.#given.set(copy, given)
    return copy
  }

  #refute(kind: LinkKind, { repository, digest }: BlobRef): void {
    this.#book.refute(linkKey(kind, repository, digest))
    this.#components.kept.drop({ kind, repository, digest })
  }
}

/** It counts only while no build-index answers. */
const fromDisk = ({ provenAtMs }: FoundLink): Proof => ({
  askedMs: Number.NEGATIVE_INFINITY,
  askedAtMs: provenAtMs,
})
