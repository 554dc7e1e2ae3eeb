import { type AgeLinks, AgeList, type Clock, type Holders, holders } from '../../../lib/base/index.ts'
import type { PeerId } from '../../../lib/core/index.ts'
import { callerAt } from '../../../lib/identity/index.ts'

/** A host that comes here for its orders. */
export interface HostFacts {
  /** Made from a key that only the host knows; stays the same over its restarts. */
  readonly id: PeerId
  /** As in the announces of its present run. */
  readonly peerId: PeerId
  /** Of its socket. */
  readonly address: string
  readonly zone: string | undefined
  /** Its label `host`. */
  readonly label: string | undefined
  /** As `linux/amd64`. */
  readonly platform: string
}

/** Where a question of a host stands in the order of its questions. */
export interface Turn {
  readonly run: string
  readonly turn: number
}

/** A question of a host that is kept until there is something to answer. */
export interface Question {
  /** Looks for an answer now. */
  readonly offer: () => void
  /** Answers that there is nothing. */
  readonly end: () => void
}

/** The place of one question of a host. */
export interface Seat {
  /** The host has not asked again. */
  isLast(): boolean
  /** Keeps the question; the result is called when it is over. Only for the last one. */
  keep(question: Question): () => void
  /** It was told to ask again after this time, and is not away before. */
  sendAway(againMs: number): void
}

/** The hosts that listen for orders, each with at most one question that is being kept. */
export interface Posts {
  /**
   * Notes that a host has asked, and ends the question of it that was being kept. Undefined when the question is older
   * than the last one of the same run: then nothing changes.
   */
  heard(host: HostFacts, turn: Turn): Seat | undefined
  /** Whether one more question may be kept. */
  readonly hasRoom: boolean
  /** The question of this host is being kept: it can be given an order now. */
  isWaiting(id: PeerId): boolean
  /** Looks whether there is an answer now to the question of this host. */
  wake(id: PeerId): void
  /** Undefined when it has not been heard of for too long. */
  get(id: PeerId): HostFacts | undefined
  /** The host whose present run announces by this id. */
  withPeer(peerId: PeerId): HostFacts | undefined
  /** In the order of their ids. */
  all(): readonly HostFacts[]
  /** Forgets hosts that are silent, and returns them with those that had to make room. Call it regularly. */
  sweep(): readonly PeerId[]
  readonly size: number
  /** Questions that are being kept. */
  readonly kept: number
}

export interface PostsInit {
  /** Most hosts; beyond it a host of the address with most of them is forgotten, the one silent for longest. */
  readonly maxPosts: number
  /** Most questions that are kept at the same time. */
  readonly maxKept: number
  /** A host without a kept question is away after this time, or so long after the time when it was to ask again. */
  readonly awayMs: number
}

interface Post extends AgeLinks<Post> {
  host: HostFacts
  turn: Turn
  readonly holder: string
  /** It was heard of, or is to ask again, at this time. */
  heardMs: number
  question: Question | undefined
}

export function posts(clock: Pick<Clock, 'monotonicMs'>, init: PostsInit): Posts {
  return new ListeningHosts(clock, init)
}

class ListeningHosts implements Posts {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #init: PostsInit
  readonly #byId = new Map<PeerId, Post>()
  readonly #byHolder = new Map<string, AgeList<Post>>()
  readonly #held: Holders = holders()
  /** Had to make room since the last sweep. */
  readonly #ousted = new Set<PeerId>()
  #kept = 0

  constructor(clock: Pick<Clock, 'monotonicMs'>, init: PostsInit) {
    this.#clock = clock
    this.#init = init
  }

  heard(host: HostFacts, { run, turn }: Turn): Seat | undefined {
    const before = this.#byId.get(host.id)
    if (before !== undefined && before.turn.run === run && turn <= before.turn.turn) return undefined
    before?.question?.end()
    this.#drop(before)
    if (this.#byId.size >= this.#init.maxPosts) this.#makeRoom()
    const holder = callerAt(host.address)
    const heardMs = this.#clock.monotonicMs()
    const links = { question: undefined, older: undefined, newer: undefined }
    const post: Post = { host, turn: { run, turn }, holder, heardMs, ...links }
    this.#byId.set(host.id, post)
    this.#ousted.delete(host.id)
    this.#held.add(holder, 1)
    const list = this.#byHolder.get(holder) ?? new AgeList()
    list.add(post)
    this.#byHolder.set(holder, list)
    return {
      isLast: () => this.#byId.get(host.id) === post,
      keep: (question) => this.#keep(post, question),
      sendAway: (againMs) => {
        post.heardMs = this.#clock.monotonicMs() + againMs
      },
    }
  }

  get hasRoom() {
    return this.#kept < this.#init.maxKept
  }

  isWaiting(id: PeerId): boolean {
    return this.#byId.get(id)?.question !== undefined
  }

  wake(id: PeerId): void {
    this.#byId.get(id)?.question?.offer()
  }

  get(id: PeerId): HostFacts | undefined {
    const post = this.#byId.get(id)
    return post === undefined || this.#isAway(post) ? undefined : post.host
  }

  withPeer(peerId: PeerId): HostFacts | undefined {
    for (const post of this.#byId.values()) if (post.host.peerId === peerId && !this.#isAway(post)) return post.host
    return undefined
  }

  all(): readonly HostFacts[] {
    const here = [...this.#byId.values()].filter((post) => !this.#isAway(post))
    return here.map(({ host }) => host).sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  sweep(): readonly PeerId[] {
    const gone = [...this.#byId.values()].filter((post) => this.#isAway(post))
    for (const post of gone) this.#drop(post)
    const all = [...gone.map(({ host }) => host.id), ...this.#ousted]
    this.#ousted.clear()
    return all
  }

  get size() {
    return this.#byId.size
  }

  get kept() {
    return this.#kept
  }

  #keep(post: Post, question: Question): () => void {
    post.question = question
    this.#kept += 1
    return () => {
      if (post.question !== question) return
      post.question = undefined
      post.heardMs = this.#clock.monotonicMs()
      this.#kept -= 1
    }
  }

  #isAway({ question, heardMs }: Post): boolean {
    return question === undefined && this.#clock.monotonicMs() - heardMs >= this.#init.awayMs
  }

  #makeRoom(): void {
    const oldest = this.#byHolder.get(this.#held.largest ?? '')?.oldest
    oldest?.question?.end()
    if (oldest !== undefined) this.#ousted.add(oldest.host.id)
    this.#drop(oldest)
  }

  #drop(post: Post | undefined): void {
    if (post === undefined) return
    this.#byId.delete(post.host.id)
    this.#held.add(post.holder, -1)
    const list = this.#byHolder.get(post.holder)
    list?.remove(post)
    if (list?.size === 0) this.#byHolder.delete(post.holder)
  }
}
