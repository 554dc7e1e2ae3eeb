import type { Alarm, Wheel } from '../../../base/index.ts'
import type { PeerId, PeerInfo } from '../../../core/index.ts'
import { Dialer, type DialerComponents, type DialerInit, type Prospect } from './dialer.ts'

/** When fewer peers than this are connected after the first answer, one extra announce is sent. */
export const FEW_PEERS = 4

export interface ContactsComponents extends DialerComponents {
  readonly wheel: Wheel
}

/** Whom a torrent has heard of, from trackers and from full peers, and whether somebody may still come. */
export class Contacts {
  readonly #components: ContactsComponents
  readonly #init: DialerInit
  readonly #sinceMs: number
  /** Due when somebody may be dialled who could not be before. */
  readonly #again: Alarm
  #dialer: Dialer | undefined
  /** The last answer of a tracker. */
  #offered: readonly PeerInfo[] = []
  #answered = false
  #stopped = false

  constructor(components: ContactsComponents, init: DialerInit) {
    this.#components = components
    this.#init = init
    this.#sinceMs = components.clock.monotonicMs()
    this.#again = components.wheel.alarm(() => init.onSettled())
  }

  /** A tracker answered, best peers first. */
  offer(peers: readonly PeerInfo[]): void {
    this.#answered = true
    this.#offered = peers
    this.#dialer?.offer(peers)
  }

  /** A tracker named the peer the last time. */
  isNamed(id: PeerId): boolean {
    return this.#offered.some(({ peerId }) => peerId === id)
  }

  /** No tracker answered. */
  unanswered(): void {
    this.#answered = true
  }

  /**
   * A tracker says who begins to bring the blob: as believable as its answers, also who an origin is, and counted with the
   * last of them. `onSettled` follows.
   */
  told(peers: readonly PeerInfo[]): void {
    const news = peers.filter(({ peerId }) => !this.isNamed(peerId))
    if (news.length === 0) return
    this.#offered = [...news, ...this.#offered]
    this.#dialer?.offer(this.#offered)
    this.#fillBy(0)
  }

  /** A full peer, or an origin over HTTP, named these. `onSettled` follows, since nothing else may happen. */
  hint(peers: readonly PeerInfo[]): void {
    if (this.#dialer === undefined) return
    this.#dialer.hint(peers)
    this.#fillBy(0)
  }

  /** From now on peers may be dialled. */
  open(): void {
    this.#dialer = new Dialer(this.#components, this.#init)
    this.#dialer.offer(this.#offered)
  }

  /** Dials while there is room. `onSettled` follows when time alone may make another call of use. */
  fill(): void {
    if (this.#dialer !== undefined && !this.#stopped) this.#fillBy(this.#dialer.fill())
  }

  /** The connection to a peer is over; `gave` when it was of use. */
  lost(id: PeerId, gave: boolean): void {
    if (this.#dialer === undefined) return
    this.#dialer.lost(id, gave)
    this.#fillBy(0)
  }

  /** Nobody is to be dialled any more. */
  stop(): void {
    this.#stopped = true
    this.#again.cancel()
  }

  #fillBy(inMs: number): void {
    if (!this.#stopped) this.#again.by(this.#components.wheel.nowMs + inMs)
  }

  /** Trackers have said, or could have said, who else there is. */
  get named(): boolean {
    const { clock, limits } = this.#components
    return this.#answered || clock.monotonicMs() - this.#sinceMs >= limits.announcePatienceMs
  }

  /** Somebody was named. */
  get anyone(): boolean {
    return this.#dialer?.anyone ?? this.#offered.length > 0
  }

  get prospect(): Prospect {
    return this.#dialer?.prospect(this.named) ?? 'some'
  }
}
