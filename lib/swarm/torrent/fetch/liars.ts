import type { PeerHello } from '../../peer/index.ts'
import type { DownloadTarget } from './download-contract.ts'
import { HTTP, type SealedPiece } from './piece-job.ts'
import type { Suppliers } from './suppliers.ts'
import { type Accusation, type Suspects, suspects } from './suspects.ts'

export interface LiarsInit {
  readonly target: Pick<DownloadTarget, 'trusted' | 'events'>
  readonly suppliers: Pick<Suppliers, 'get'>
  /** The peer should be asked for nothing more, but is not proven to lie. */
  onSuspect(id: string): void
}

/**
 * Decides what follows when a piece matches its hash, or does not. When the hashes are trusted, the giver of wrong bytes
 * is reported as a liar; before that a peer is only suspected, because the hash may be the lie.
 */
export class Liars {
  readonly suspects: Pick<Suspects, 'has'>
  readonly #suspects = suspects()
  readonly #init: LiarsInit
  /** Peers whose bytes differ from a piece that matched its hash: liars, unless the hash is the lie. */
  readonly #convicted = new Map<string, PeerHello | undefined>()

  constructor(init: LiarsInit) {
    this.#init = init
    this.suspects = this.#suspects
  }

  /** Takes a piece that matched its hash. */
  good(piece: number, bytes: Uint8Array): void {
    for (const liar of this.#suspects.judge(piece, bytes)) this.#convict(liar)
  }

  /** Keeps what a piece that did not match its hash tells; `actual` is the hash of its bytes. Reports nobody yet. */
  accuse(sealed: SealedPiece, actual: Uint8Array): Accusation {
    return this.#suspects.accuse(sealed, actual, this.#init.target.trusted())
  }

  /** Reports what follows from an accusation, once the piece is dropped. */
  bad({ only, agreed }: Accusation): void {
    const { events } = this.#init.target
    const trusted = this.#init.target.trusted()
    if (only !== undefined && (trusted || only === HTTP)) events.onLiar(only)
    else if (only !== undefined) this.#init.onSuspect(only)
    if (agreed && !trusted) events.onAgreed()
  }

  /** The hashes are right: so whoever gave a wrong piece has lied. */
  trust(): void {
    const liars = new Set([...this.#convicted.keys(), ...this.#suspects.judgeAll()])
    for (const liar of liars) if (liar !== HTTP) this.#init.target.events.onLiar(liar, this.#convicted.get(liar))
    this.#convicted.clear()
  }

  #convict(liar: string): void {
    if (liar === HTTP || this.#init.target.trusted()) this.#init.target.events.onLiar(liar)
    else {
      this.#convicted.set(liar, this.#init.suppliers.get(liar)?.connection.hello)
      this.#init.onSuspect(liar)
    }
  }
}
