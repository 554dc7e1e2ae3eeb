import { type AppError, type Background, toAppError } from '../../base/index.ts'
import type { MetaInfoHeader } from '../../core/index.ts'
import type { BlobReader, PartialBlob } from '../../store/index.ts'
import type { OriginRing } from '../outside.ts'
import type { Want } from '../peer/index.ts'
import { type OnWanted, Wanted, type WantedComponents } from './serve/wanted.ts'
import { type Content, completeContent, type HeldComponents, heldContent, partialContent } from './shared/content.ts'
import type { SwarmMeters } from './shared/swarm-meters.ts'

/** What a node only gives: nothing of it is pulled. */
export interface GivenContent {
  readonly header: MetaInfoHeader
  /** A function opens it when the first peer has come; what it throws is told by `onUnreadable`. */
  readonly content: Content | (() => Promise<Content>)
  /** Pieces are still coming, by other ways than the swarm. */
  readonly arriving: boolean
  /** Told what peers want of what is arriving; default: nobody asks. */
  readonly onWanted?: OnWanted | undefined
}

/** A blob that is complete in the store. */
export function storedContent(store: BlobReader, header: MetaInfoHeader): GivenContent {
  return { header, content: completeContent(store, header), arriving: false }
}

/** A part of a blob that lies in the store: no piece of it comes any more. */
export function heldPart(components: HeldComponents, header: MetaInfoHeader): GivenContent {
  return { header, content: () => heldContent(components, header.digest), arriving: false }
}

/** A blob whose pieces come into `partial`. */
export function comingContent(partial: PartialBlob, header: MetaInfoHeader, onWanted?: OnWanted): GivenContent {
  return { header, content: partialContent(partial), arriving: true, onWanted }
}

export interface GivenComponents extends WantedComponents {
  readonly meters: Pick<SwarmMeters, 'wants'>
}

export interface GivenInit {
  readonly tasks: Background
  /** Keeps the torrent from being paused; called once for what is still arriving. */
  readonly hold: () => () => void
  /** What is here can be read. */
  readonly onContent: (content: Content) => void
  /** All of what was arriving is here. */
  readonly onWhole: () => void
  /** It could not be opened. */
  readonly onUnreadable: (err: AppError) => void
}

/** What a node gives of a blob that it does not pull, and whether it is whole already. */
export class Given {
  readonly header: MetaInfoHeader
  readonly #source: GivenContent['content']
  /** Undefined until it is opened. */
  #content: Content | undefined
  /** Undefined once it is whole. */
  #release: (() => void) | undefined
  readonly #wanted: Wanted | undefined
  readonly #meters: GivenComponents['meters']
  readonly #init: GivenInit

  constructor(components: GivenComponents, { header, content, arriving, onWanted }: GivenContent, init: GivenInit) {
    this.header = header
    this.#source = content
    this.#init = init
    this.#meters = components.meters
    if (onWanted !== undefined) this.#wanted = new Wanted(components, onWanted)
    if (arriving) this.#release = init.hold()
  }

  start(): void {
    const source = this.#source
    if (typeof source === 'function') this.#init.tasks.run('open a part of a blob', () => this.#open(source))
    else this.#onContent(source)
  }

  async #open(source: () => Promise<Content>): Promise<void> {
    try {
      this.#onContent(await source())
    } catch (err) {
      this.#init.onUnreadable(toAppError(err, 'STORE_CORRUPT'))
    }
  }

  #onContent(content: Content): void {
    this.#content = content
    this.#init.onContent(content)
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
    if (this.#content === undefined) return 1
    const { map, have } = this.#content
    if (!this.arriving && have.complete) return 0
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
