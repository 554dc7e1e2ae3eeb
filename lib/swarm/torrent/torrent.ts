import type { Readable } from 'node:stream'
import type { AbortOptions, AppError } from '../../base/index.ts'
import { type ByteRange, type MetaInfoHeader, type SwarmId, swarmIdOf } from '../../core/index.ts'
import type { BlobRef } from '../outside.ts'
import { Pull, type PullComponents } from './pull.ts'
import type { BytesBySource } from './pull-summary.ts'

export interface TorrentComponents extends PullComponents {}

export interface TorrentInit {
  readonly blob: BlobRef
  /** Peer id of this node. */
  readonly self: string
  readonly verify: 'pieces' | 'whole'
}

/** What a torrent tells the engine; each call is one event. */
export interface TorrentEvents {
  /** The content came with the header; the engine drops the torrent. */
  onInline(torrent: Torrent, header: MetaInfoHeader): void
  /** The blob is complete in the store. */
  onComplete(torrent: Torrent): void
  /** The pull failed for good; the engine drops the torrent. */
  onFailed(torrent: Torrent, err: AppError): void
}

/** One blob that is being pulled, and everybody who takes part in it. */
export interface Torrent {
  readonly blob: BlobRef
  readonly swarmId: SwarmId
  /** Rejects with why none will come. */
  readonly header: Promise<MetaInfoHeader>
  readonly received: BytesBySource
  readonly lastStepFailed: string | undefined
  /** Keeps it from being paused; call the result once. */
  hold(): () => void
  /** Since when nobody holds it, on the monotonic clock; undefined while somebody does. */
  readonly idleSinceMs: number | undefined
  read(range: ByteRange, options: AbortOptions, onFirstByte: () => void): Readable
  tick(nowMs: number): void
  /** Ends its readers with SHUTTING_DOWN; what is verified stays on disk. */
  stop(): Promise<void>
}

export function torrent(components: TorrentComponents, init: TorrentInit, events: TorrentEvents): Torrent {
  return new RunningTorrent(components, init, events)
}

class RunningTorrent implements Torrent {
  readonly blob: BlobRef
  readonly swarmId: SwarmId
  readonly #components: TorrentComponents
  readonly #pull: Pull
  #holders = 0
  #idleSinceMs: number | undefined

  constructor(components: TorrentComponents, init: TorrentInit, events: TorrentEvents) {
    this.blob = init.blob
    this.swarmId = swarmIdOf(init.blob.digest)
    this.#components = components
    this.#idleSinceMs = components.clock.monotonicMs()
    this.#pull = new Pull(components, init, {
      onInline: (header) => events.onInline(this, header),
      onContent: () => undefined,
      onPiece: () => undefined,
      onComplete: () => events.onComplete(this),
      onFailed: (err) => events.onFailed(this, err),
      onLiar: () => undefined,
      hopeless: () => true,
    })
    this.#pull.start()
  }

  get header(): Promise<MetaInfoHeader> {
    return this.#pull.header
  }

  get received(): BytesBySource {
    return this.#pull.received
  }

  get lastStepFailed(): string | undefined {
    return this.#pull.lastFailure?.code
  }

  get idleSinceMs(): number | undefined {
    return this.#idleSinceMs
  }

  hold(): () => void {
    this.#holders += 1
    this.#idleSinceMs = undefined
    return () => {
      this.#holders -= 1
      if (this.#holders === 0) this.#idleSinceMs = this.#components.clock.monotonicMs()
    }
  }

  read(range: ByteRange, options: AbortOptions, onFirstByte: () => void): Readable {
    return this.#pull.read(range, options, onFirstByte)
  }

  tick(nowMs: number): void {
    this.#pull.tick(nowMs)
  }

  stop(): Promise<void> {
    return this.#pull.stop()
  }
}
