import type { PeerId, PeerInfo } from '../../../core/index.ts'
import { Dialer, type DialerComponents, type DialerInit, type Prospect } from './dialer.ts'

/** Whom a torrent has heard of, from trackers and from full peers, and whether somebody may still come. */
export class Contacts {
  readonly #components: DialerComponents
  readonly #init: DialerInit
  readonly #sinceMs: number
  #dialer: Dialer | undefined
  /** Answers of trackers that came before anything could be dialled for. */
  #offered: readonly PeerInfo[] = []
  #answered = false

  constructor(components: DialerComponents, init: DialerInit) {
    this.#components = components
    this.#init = init
    this.#sinceMs = components.clock.monotonicMs()
  }

  /** A tracker answered, best peers first. */
  offer(peers: readonly PeerInfo[]): void {
    this.#answered = true
    this.#offered = peers
    this.#dialer?.offer(peers)
  }

  /** No tracker answered. */
  unanswered(): void {
    this.#answered = true
  }

  /** A full peer named these. */
  hint(peers: readonly PeerInfo[]): void {
    this.#dialer?.hint(peers)
  }

  /** From now on peers may be dialled. */
  open(): void {
    this.#dialer = new Dialer(this.#components, this.#init)
    this.#dialer.offer(this.#offered)
  }

  /** Dials while there is room. Gives in how many milliseconds time alone may make another call of use. */
  fill(): number {
    return this.#dialer?.fill() ?? Number.POSITIVE_INFINITY
  }

  /** The connection to a peer is over; `gave` when it was of use. */
  lost(id: PeerId, gave: boolean): void {
    this.#dialer?.lost(id, gave)
  }

  get prospect(): Prospect {
    const { clock, limits } = this.#components
    const named = this.#answered || clock.monotonicMs() - this.#sinceMs >= limits.announcePatienceMs
    return this.#dialer?.prospect(named) ?? 'some'
  }
}
