import type { AppError, Background } from '../../../base/index.ts'
import type { MetaInfoHeader, PeerInfo } from '../../../core/index.ts'
import { type MetainfoChange, type MetainfoLog, metainfoLog, type NamedPeers } from '../../../metainfo/index.ts'
import type { MetainfoAsker } from '../../outside.ts'
import type { AskedNames } from '../shared/asked-names.ts'
import { type FeedComponents, runMetainfoFeed } from './metainfo-feed.ts'
import { type Doubt, SecondOpinion, type SecondOpinionComponents, type SecondOpinionEvents } from './second-opinion.ts'

export interface RecordsComponents extends FeedComponents, SecondOpinionComponents {}

export interface RecordsInit {
  readonly names: AskedNames
  /** Whether the trackers' metainfo of this blob is doubted: then the origins themselves are asked for it. */
  readonly direct: boolean
  /** Introduces the node to a tracker with the first request. */
  readonly asker?: MetainfoAsker | undefined
  readonly tasks: Background
}

/** Whom a tracker names. */
export interface NamingEvents {
  /** The tracker has taken the node in as a downloader and names others. */
  onPeers(named: NamedPeers): void
  /** These begin to have the blob. */
  onHint(peers: readonly PeerInfo[]): void
}

/** What the records tell their pull; each call is one event. `onRefuted` also says why there will be none. */
export type RecordsEvents = RecordEvents & NamingEvents & SecondOpinionEvents

/** What becomes known of the blob. */
export interface RecordEvents {
  onHeader(header: MetaInfoHeader): void
  /** The record of a piece is in the log. */
  onPiece(piece: number): void
  /** The origin has verified the digest over exactly these pieces. */
  onVerified(): void
  /** The origin says that the blob is wrong. */
  onFailed(): void
  /** No piece is known yet, since the origin is still bringing the blob. */
  onBringing(): void
  /** One stream ended early; it goes on with another. */
  onInterrupted(err: AppError): void
}

/** What is known of a blob: its metainfo as it comes, and an origin's own word on it when it is doubted. */
export class Records {
  readonly log: MetainfoLog = metainfoLog()
  readonly #components: RecordsComponents
  readonly #init: RecordsInit
  readonly #events: RecordsEvents
  readonly #opinion: SecondOpinion
  /** Whether the first request has introduced the node and neither brought anything yet nor failed. */
  #introducing: boolean
  #anyPiece = false
  /** The last stream ended early, and nothing has come since. */
  #interrupted = false
  #stopped = false

  constructor(components: RecordsComponents, init: RecordsInit, events: RecordsEvents) {
    this.#components = components
    this.#init = init
    this.#events = events
    this.#introducing = init.asker !== undefined
    this.#opinion = new SecondOpinion(components, { ...init, log: this.log }, events)
  }

  /** The hashes are an origin's own. */
  get trusted(): boolean {
    return this.#opinion.trusted
  }

  /** The request for the metainfo has introduced the node, and a tracker may still answer that. */
  get introducing(): boolean {
    return this.#introducing
  }

  /** What the hash of a piece waits for that is not known: an origin that brings the blob, or a stream to begin. */
  get awaited(): 'bringing' | 'metainfo' {
    return this.#interrupted ? 'metainfo' : 'bringing'
  }

  /** Asks an origin whether the metainfo is right; leads to one event. */
  doubt(why: Doubt): void {
    this.#opinion.ask(why)
  }

  start(): void {
    const events = {
      onChange: (change: NonNullable<MetainfoChange>) => this.#onChange(change),
      onHeartbeat: () => {
        this.#interrupted = false
        if (!this.#anyPiece) this.#events.onBringing()
      },
      onPeers: (named: NamedPeers) => {
        this.#introducing = false
        if (!this.#stopped) this.#events.onPeers(named)
      },
      onHint: (peers: readonly PeerInfo[]) => {
        if (!this.#stopped) this.#events.onHint(peers)
      },
      onInterrupted: (err: AppError) => {
        this.#introducing = false
        this.#interrupted = true
        this.#events.onInterrupted(err)
      },
      onRefused: (err: AppError) => this.#events.onRefuted(err),
    }
    this.#init.tasks.run('metainfo-feed', (signal) =>
      runMetainfoFeed(this.#components, this.#init, { log: this.log, events }, signal),
    )
  }

  /** What comes from now on is told to nobody. */
  stop(): void {
    this.#stopped = true
  }

  #onChange(change: NonNullable<MetainfoChange>): void {
    this.#introducing = false
    this.#interrupted = false
    if (this.#stopped) return
    switch (change.kind) {
      case 'header':
        this.#events.onHeader(change.header)
        break
      case 'piece':
        this.#anyPiece = true
        this.#events.onPiece(change.index)
        break
      case 'verified':
        this.#events.onVerified()
        break
      case 'failed':
        this.#events.onFailed()
    }
  }
}
