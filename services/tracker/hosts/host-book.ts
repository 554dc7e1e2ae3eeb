import { type AgeLinks, AgeList, type Clock, type Holders, holders, OrderedKeys } from '../../../lib/base/index.ts'
import type { PeerAddress, PeerId, PeerRole } from '../../../lib/core/index.ts'
import { callerAt } from '../../../lib/identity/index.ts'
import { mayChange } from '../owner.ts'

/** What a node has said about itself in its last announce, at the address of its socket. */
export interface HostFacts extends PeerAddress {
  readonly peerId: PeerId
  readonly role: PeerRole
  readonly zone?: string | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly spareBytesPerSecond?: number | undefined
  /** The network that it is in. */
  readonly network?: string | undefined
  /** Where nodes of other networks reach it. */
  readonly addresses?: Readonly<Record<string, PeerAddress>> | undefined
}

/** Characters of labels that are kept of a node, besides `rack` and `host`. */
const MAX_LABEL_CHARACTERS = 1024

export interface KnownHost extends HostFacts {
  /** Of its last announce, milliseconds since the epoch. */
  readonly seenAtMs: number
}

/**
 * Every node that has announced lately, once, whatever it downloads or seeds. Bounded as the other registries are: whoever
 * holds most makes room, the oldest announce first.
 */
export interface HostBook {
  /** Notes or renews a node for `ttlMs`. False, and nothing changes, when the peer id belongs to another owner. */
  seen(facts: HostFacts, owner: string, ttlMs: number): boolean
  of(peerId: PeerId): KnownHost | undefined
  all(): Iterable<KnownHost>
  /** The same in the order of their ids, behind this text. */
  behind(text: string): Iterable<KnownHost>
  /** Forgets nodes that are silent. Call it regularly. */
  sweep(): void
  readonly size: number
}

interface Entry extends AgeLinks<Entry> {
  host: KnownHost
  readonly owner: string
  readonly holder: string
  expiresAtMs: number
}

export function hostBook(clock: Clock, { maxHosts }: { readonly maxHosts: number }): HostBook {
  return new Book(clock, maxHosts)
}

class Book implements HostBook {
  readonly #clock: Clock
  readonly #maxHosts: number
  readonly #byId = new Map<PeerId, Entry>()
  readonly #order = new OrderedKeys<PeerId>()
  readonly #byHolder = new Map<string, AgeList<Entry>>()
  readonly #held: Holders = holders()

  constructor(clock: Clock, maxHosts: number) {
    this.#clock = clock
    this.#maxHosts = maxHosts
  }

  seen(facts: HostFacts, owner: string, ttlMs: number): boolean {
    const known = this.#byId.get(facts.peerId)
    if (known !== undefined && !mayChange(facts.peerId, owner, known.owner)) return false
    this.#drop(known)
    if (this.#byId.size >= this.#maxHosts) this.#drop(this.#byHolder.get(this.#held.largest ?? '')?.oldest)
    const holder = callerAt(facts.host)
    const host = { ...facts, labels: keptLabels(facts.labels), seenAtMs: this.#clock.now() }
    const expiresAtMs = this.#clock.monotonicMs() + ttlMs
    const entry: Entry = { host, owner, holder, expiresAtMs, older: undefined, newer: undefined }
    this.#byId.set(facts.peerId, entry)
    this.#order.add(facts.peerId)
    this.#held.add(holder, 1)
    const list = this.#byHolder.get(holder) ?? new AgeList()
    list.add(entry)
    this.#byHolder.set(holder, list)
    return true
  }

  of(peerId: PeerId): KnownHost | undefined {
    const entry = this.#byId.get(peerId)
    return entry !== undefined && entry.expiresAtMs > this.#clock.monotonicMs() ? entry.host : undefined
  }

  *all(): Iterable<KnownHost> {
    const nowMs = this.#clock.monotonicMs()
    for (const { host, expiresAtMs } of this.#byId.values()) if (expiresAtMs > nowMs) yield host
  }

  *behind(text: string): Iterable<KnownHost> {
    for (const peerId of this.#order.from(text, { behind: true })) {
      const host = this.of(peerId)
      if (host !== undefined) yield host
    }
  }

  sweep(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const entry of [...this.#byId.values()]) if (entry.expiresAtMs <= nowMs) this.#drop(entry)
  }

  get size(): number {
    return this.#byId.size
  }

  #drop(entry: Entry | undefined): void {
    if (entry === undefined) return
    this.#byId.delete(entry.host.peerId)
    this.#order.delete(entry.host.peerId)
    this.#held.add(entry.holder, -1)
    const list = this.#byHolder.get(entry.holder)
    list?.remove(entry)
    if (list?.size === 0) this.#byHolder.delete(entry.holder)
  }
}

/** Those that the order of peers looks at, and of the others as many as fit. */
function keptLabels(labels: HostFacts['labels']): HostFacts['labels'] {
  if (labels === undefined) return undefined
  let left = MAX_LABEL_CHARACTERS
  const kept = Object.entries(labels).filter(([name, value]) => {
    if (name === 'rack' || name === 'host') return true
    left -= name.length + value.length
    return left >= 0
  })
  return Object.fromEntries(kept)
}
