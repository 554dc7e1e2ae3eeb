import { type Digest, headerOf, INLINE_LIMIT, type MetaInfoHeader, type SwarmId } from '../../core/index.ts'
import type { BlobReader, HeldPartial } from '../../store/index.ts'
import type { SwarmLimits } from '../limits.ts'
import type { SeedRef } from '../outside.ts'
import { type HeldComponents, heldPart, storedContent, type Torrent, type TorrentContent } from '../torrent/index.ts'

/** A blob of which at least a part lies in the store. */
export interface BlobAtRest {
  readonly blob: SeedRef
  readonly header: MetaInfoHeader
  /** What is missing of it; 0 when its digest was found right. */
  readonly leftBytes: number
}

/** The part that a pull has left; undefined when nothing of it is here, or all of it. */
export function leftBy(torrent: Torrent, header: MetaInfoHeader | undefined): BlobAtRest | undefined {
  const { blob, complete, leftBytes } = torrent
  return header === undefined || complete || leftBytes >= header.length ? undefined : { blob, header, leftBytes }
}

/** The part that lies in the store; undefined when it has no swarm, or pieces of another length than others have. */
export function heldBy({ digest, map, bytes }: HeldPartial): BlobAtRest | undefined {
  const header = headerOf(digest, map.length)
  if (bytes === 0 || map.length <= INLINE_LIMIT || map.pieceLength !== header.pieceLength) return undefined
  return { blob: { digest }, header, leftBytes: Math.max(1, map.length - bytes) }
}

export interface BlobsAtRestComponents extends HeldComponents {
  readonly store: HeldComponents['store'] & BlobReader
  readonly limits: Pick<SwarmLimits, 'maxPartsAtRest'>
}

/**
 * Blobs in the store that nobody pulls: a torrent runs for one only while peers ask for it. Whole ones, as many as there
 * are; and those of which a part is here, as many as may be announced, since each of them is announced by itself.
 */
export class BlobsAtRest {
  readonly #components: BlobsAtRestComponents
  readonly #whole = new Map<SwarmId, BlobAtRest>()
  /** The one that was used longest ago first. */
  readonly #parts = new Map<SwarmId, BlobAtRest>()

  constructor(components: BlobsAtRestComponents) {
    this.#components = components
  }

  has(swarmId: SwarmId): boolean {
    return this.get(swarmId) !== undefined
  }

  get(swarmId: SwarmId): BlobAtRest | undefined {
    return this.#whole.get(swarmId) ?? this.#parts.get(swarmId)
  }

  addWhole(swarmId: SwarmId, { blob, header }: Omit<BlobAtRest, 'leftBytes'>): void {
    this.#whole.set(swarmId, { blob, header, leftBytes: 0 })
  }

  /** Returns the blob that must be forgotten because there are too many now. */
  addPart(swarmId: SwarmId, part: BlobAtRest): Digest | undefined {
    this.#parts.delete(swarmId)
    this.#parts.set(swarmId, part)
    const [oldest] = this.#parts.values()
    return this.#parts.size > this.#components.limits.maxPartsAtRest ? oldest?.blob.digest : undefined
  }

  /** What a torrent gives of it, now that a peer asks. */
  use(swarmId: SwarmId): TorrentContent | undefined {
    const whole = this.#whole.get(swarmId)
    if (whole !== undefined) return { blob: whole.blob, given: storedContent(this.#components.store, whole.header) }
    const part = this.#parts.get(swarmId)
    if (part === undefined) return undefined
    this.addPart(swarmId, part)
    return { blob: part.blob, given: heldPart(this.#components, part.header) }
  }

  /** False when it was not there. */
  forget(swarmId: SwarmId): boolean {
    return [this.#whole, this.#parts].filter((blobs) => blobs.delete(swarmId)).length > 0
  }
}
