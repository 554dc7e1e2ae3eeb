import type { MetaInfoHeader } from '../../core/index.ts'
import type { BlobReader, PartialBlob } from '../../store/index.ts'
import type { OriginRing } from '../outside.ts'
import type { Want } from '../peer/index.ts'
import { type OnWanted, Wanted, type WantedComponents } from './serve/wanted.ts'
import { type Content, completeContent, partialContent } from './shared/content.ts'
import type { SwarmMeters } from './shared/swarm-meters.ts'

/** What a node only gives: nothing of it is pulled. */
export interface GivenContent {
  readonly header: MetaInfoHeader
  readonly content: Content
  /** Pieces are still coming, by other ways than the swarm. */
  readonly arriving: boolean
  /** Told what peers want of what is arriving; default: nobody asks. */
  readonly onWanted?: OnWanted | undefined
}

/** A blob that is complete in the store. */
export function storedContent(store: BlobReader, header: MetaInfoHeader): GivenContent {
  return { header, content: completeContent(store, header), arriving: false }
}

/** A blob whose pieces come into `partial`. */
export function comingContent(partial: PartialBlob, header: MetaInfoHeader, onWanted?: OnWanted): GivenContent {
  return { header, content: partialContent(partial), arriving: true, onWanted }
}

export interface GivenComponents extends WantedComponents {
  readonly meters: Pick<SwarmMeters, 'wants'>
}

export interface GivenInit {
  /** Keeps the torrent from being paused; called once for what is still arriving. */
  readonly hold: () => () => void
  /** All of what was arriving is here. */
  readonly onWhole: () => void
}

/** Whether what is given is whole already. */
export class Given {
  readonly header: MetaInfoHeader
  readonly content: Content
  /** Undefined once it is whole. */
  #release: (() => void) | undefined
  readonly #wanted: Wanted | undefined
  readonly #meters: GivenComponents['meters']
  readonly #init: GivenInit

  constructor(components: GivenComponents, { header, content, arriving, onWanted }: GivenContent, init: GivenInit) {
    this.header = header
    this.content = content
    this.#init = init
    this.#meters = components.meters
    if (onWanted !== undefined) this.#wanted = new Wanted(components, onWanted)
    if (arriving) this.#release = init.hold()
  }

  get arriving(): boolean {
    return this.#release !== undefined
  }

  /** The origins that divide it: while it comes, others who own it do not have it yet, so this one gives all of it. */
  sharedBy(ring: OriginRing | undefined): OriginRing | undefined {
    return this.arriving ? undefined : ring
  }

  /** Never 0 before the digest is known to be right, since that would tell trackers that it is whole. */
  get leftBytes(): number {
    if (!this.arriving) return 0
    const { map, have } = this.content
    return Math.max(1, map.length - have.count * map.pieceLength)
  }

  /** Call it when nothing is missing any more, and the digest is right. */
  whole(): void {
    this.#release?.()
    this.#release = undefined
    this.#wanted?.stop()
    this.#init.onWhole()
  }

  /** A peer says what it wants of what is arriving; of what is whole it need not. */
  wants(peer: string, want: Want): void {
    this.#meters.wants[want.priority].add()
    if (this.arriving) this.#wanted?.say(peer, want)
  }

  /** The peer is gone. */
  left(peer: string): void {
    if (this.arriving) this.#wanted?.left(peer)
  }
}
