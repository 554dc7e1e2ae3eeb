import { appError } from '../../../lib/base/index.ts'
import type { Digest, PeerInfo } from '../../../lib/core/index.ts'
import {
  encodePieces,
  encodeRecord,
  type MetainfoLog,
  type MetainfoRecord,
  metainfoDecoder,
  metainfoLog,
} from '../../../lib/metainfo/index.ts'

/** How a log ended. */
export type RelayEnd =
  | { readonly kind: 'verified' }
  | { readonly kind: 'failed' }
  | { readonly kind: 'broken'; readonly err: unknown }

/**
 * The records of one blob's metainfo, encoded once for all readers; a reader only remembers its position. Several
 * streams from origins may feed the log one after another; records that are already known are dropped.
 */
export interface RelayLog {
  /** Encoded records; new chunks are only appended. */
  readonly chunks: readonly Uint8Array[]
  readonly sizeBytes: number
  /** Origins that bring the blob; of use only before the end, so the log of an ended stream has none. */
  readonly hints: readonly PeerInfo[]
  /** Heartbeats received; readers get them, but the log does not keep them. */
  readonly beats: number
  readonly end: RelayEnd | undefined
  /** Bytes of the blob; undefined before the header. */
  readonly length: number | undefined
  /** Begins to read a stream from an origin. */
  feed(): RelayFeed
  /** Tells the readers of a peer that begins to have the blob, once. */
  hint(peer: PeerInfo): void
  /** Ends the log for its readers with an error, unless it has ended already. */
  break(err: unknown): void
  /** Calls `fn` after every change; returns a function that unsubscribes it. */
  onChange(fn: () => void): () => void
}

/** Feeds the log from one stream of an origin. */
export interface RelayFeed {
  /** @throws METAINFO_CONFLICT when it contradicts known records, METAINFO_INVALID when malformed or of another blob */
  push(chunk: Uint8Array): void
  /** Chunks of the log that this stream has added. */
  readonly added: number
}

/** Origins that bring one blob at the same time. */
const MAX_HINTS = 16

type PieceRecord = Extract<MetainfoRecord, { kind: 'piece' }>
type HeaderRecord = Extract<MetainfoRecord, { kind: 'header' }>

export function relayLog(digest: Digest): RelayLog {
  return new Log(digest)
}

class Log implements RelayLog {
  readonly #digest: Digest
  readonly #listeners = new Set<() => void>()
  /** Undefined once the log has ended. */
  #known: MetainfoLog | undefined = metainfoLog()
  readonly chunks: Uint8Array[] = []
  hints: PeerInfo[] = []
  sizeBytes = 0
  beats = 0
  end: RelayEnd | undefined
  length: number | undefined

  constructor(digest: Digest) {
    this.#digest = digest
  }

  feed(): RelayFeed {
    const decoder = metainfoDecoder()
    let added = 0
    return {
      push: (chunk) => {
        const before = this.chunks.length
        const beatsBefore = this.beats
        try {
          this.#take(decoder.push(chunk))
        } finally {
          added += this.chunks.length - before
          if (this.chunks.length > before || this.beats > beatsBefore) this.#changed()
        }
      },
      get added() {
        return added
      },
    }
  }

  hint(peer: PeerInfo): void {
    const isKnown = this.hints.some(
      ({ peerId, host, port }) => peerId === peer.peerId && host === peer.host && port === peer.port,
    )
    if (this.end !== undefined || isKnown || this.hints.length >= MAX_HINTS) return
    this.hints.push(peer)
    this.#changed()
  }

  break(err: unknown): void {
    if (this.end !== undefined) return
    this.#finish({ kind: 'broken', err })
    this.#changed()
  }

  onChange(fn: () => void): () => void {
    this.#listeners.add(fn)
    return () => void this.#listeners.delete(fn)
  }

  /** Appends the new ones of `records`; consecutive piece records become one chunk. */
  #take(records: readonly MetainfoRecord[]): void {
    const run: PieceRecord[] = []
    try {
      for (const record of records) {
        if (this.#known === undefined) break
        if (record.kind === 'heartbeat') this.beats += 1
        if (record.kind === 'header') this.#assertDigest(record)
        if (this.#known.apply(record) === undefined) continue
        this.length ??= this.#known.header?.length
        const previous = run.at(-1)
        if (previous !== undefined && (record.kind !== 'piece' || record.index !== previous.index + 1)) {
          this.#appendRun(run)
        }
        if (record.kind === 'piece') run.push(record)
        else this.#append(encodeRecord(record))
        if (record.kind === 'verified' || record.kind === 'failed') this.#finish({ kind: record.kind })
      }
    } finally {
      this.#appendRun(run)
    }
  }

  #appendRun(run: PieceRecord[]): void {
    const first = run[0]
    if (first !== undefined) this.#append(encodePieces(Buffer.concat(run.map(({ hash }) => hash)), first.index))
    run.length = 0
  }

  #append(chunk: Uint8Array): void {
    this.chunks.push(chunk)
    this.sizeBytes += chunk.length
  }

  #assertDigest({ header }: HeaderRecord): void {
    if (header.digest === this.#digest) return
    throw appError('METAINFO_INVALID', { message: 'the stream is of another blob' })
  }

  #finish(end: RelayEnd): void {
    this.end = end
    this.hints = []
    this.#known = undefined
  }

  #changed(): void {
    for (const fn of [...this.#listeners]) fn()
  }
}
