/** What a hearer does with news. */
export interface Hearing {
  /** There is no room for more of its news: it has to take them in now. */
  onFull(hearer: number): void
  /** Somebody with this number among the peers of `hearer` has new pieces, and it had asked to be told at once. */
  onAlert(hearer: number, slot: number, pieces: readonly number[]): void
}

/** News are numbers: this many bits for the piece, the others for who has it. */
const PIECE_BITS = 20
const PIECE_MASK = 2 ** PIECE_BITS - 1
const MAX_NEWS = 128
/** How one hears another one. */
const HEARS = 0
const ALERTED = 1
const ONLY_ALERTED = 2

/**
 * Who hears of whose new pieces, and what was told and not taken in yet. Most events of a large swarm are such news, and
 * each concerns another torrent, whose memory is far away; so they are numbers in a few small lists, until their torrent
 * has something to decide and takes them all in.
 */
export class News {
  /** Most peers of a torrent. */
  readonly #peers: number
  readonly #hearing: Hearing
  /** For each torrent the ears that hear it; an ear is one hearer's number for one peer. */
  readonly #ears: Uint32Array
  readonly #earCounts: Uint8Array
  /** How each ear hears. */
  readonly #manners: Uint8Array
  readonly #news: Uint32Array
  readonly #newsCounts: Uint8Array
  readonly #alerts: number[] = []

  constructor({ torrents, peers }: { readonly torrents: number; readonly peers: number }, hearing: Hearing) {
    this.#peers = peers
    this.#hearing = hearing
    this.#ears = new Uint32Array(torrents * peers)
    this.#earCounts = new Uint8Array(torrents)
    this.#manners = new Uint8Array(torrents * peers)
    this.#news = new Uint32Array(torrents * MAX_NEWS)
    this.#newsCounts = new Uint8Array(torrents)
  }

  /** From now on the hearer hears of what the teller gets; `slot` is its own number for the teller. */
  hear(teller: number, hearer: number, slot: number): void {
    const count = this.#earCounts[teller] as number
    this.#ears[teller * this.#peers + count] = this.#ear(hearer, slot)
    this.#earCounts[teller] = count + 1
    this.#manners[this.#ear(hearer, slot)] = HEARS
  }

  /** The same for one that takes in everything at once. */
  hearAtOnce(teller: number, hearer: number, slot: number): void {
    this.hear(teller, hearer, slot)
    this.#manners[this.#ear(hearer, slot)] = ONLY_ALERTED
  }

  /** It hears no more of it. Idempotent. */
  ignore(teller: number, hearer: number, slot: number): void {
    const start = teller * this.#peers
    const last = (this.#earCounts[teller] as number) - 1
    const at = this.#ears.subarray(start, start + last + 1).indexOf(this.#ear(hearer, slot))
    if (at < 0) return
    this.#ears[start + at] = this.#ears[start + last] as number
    this.#earCounts[teller] = last
  }

  /** Whether the hearer is told at once. */
  isAlert(hearer: number, slot: number): boolean {
    return this.#manners[this.#ear(hearer, slot)] !== HEARS
  }

  setAlert(hearer: number, slot: number, alert: boolean): void {
    this.#manners[this.#ear(hearer, slot)] = alert ? ALERTED : HEARS
  }

  /** The teller has got these pieces. */
  tell(teller: number, pieces: readonly number[]): void {
    const start = teller * this.#peers
    const end = start + (this.#earCounts[teller] as number)
    const alerts = this.#alerts
    alerts.length = 0
    for (let at = start; at < end; at += 1) {
      const ear = this.#ears[at] as number
      const manner = this.#manners[ear] as number
      if (manner !== ONLY_ALERTED) this.#keep(ear, pieces)
      if (manner !== HEARS) alerts.push(ear)
    }
    for (const ear of alerts.slice()) {
      const hearer = this.#hearerOf(ear)
      this.#hearing.onAlert(hearer, ear - hearer * this.#peers, pieces)
    }
  }

  /** Gives the hearer all its news, in order. */
  take(hearer: number, learn: (slot: number, piece: number) => void): void {
    const count = this.#newsCounts[hearer] as number
    if (count === 0) return
    this.#newsCounts[hearer] = 0
    const start = hearer * MAX_NEWS
    for (let at = start; at < start + count; at += 1) {
      const news = this.#news[at] as number
      learn(news >>> PIECE_BITS, news & PIECE_MASK)
    }
  }

  #keep(ear: number, pieces: readonly number[]): void {
    const hearer = this.#hearerOf(ear)
    const slot = ear - hearer * this.#peers
    for (const piece of pieces) {
      if (this.#newsCounts[hearer] === MAX_NEWS) this.#hearing.onFull(hearer)
      const count = this.#newsCounts[hearer] as number
      this.#news[hearer * MAX_NEWS + count] = (slot << PIECE_BITS) | piece
      this.#newsCounts[hearer] = count + 1
    }
  }

  #ear(hearer: number, slot: number): number {
    return hearer * this.#peers + slot
  }

  #hearerOf(ear: number): number {
    return Math.floor(ear / this.#peers)
  }
}
