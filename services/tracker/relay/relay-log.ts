import { appError } from '../../../lib/base/index.ts'
import type { Digest } from '../../../lib/core/index.ts'
import {
  encodePieces,
  encodeRecord,
  type MetainfoDecoder,
  type MetainfoLog,
  type MetainfoRecord,
  metainfoDecoder,
  metainfoLog,
} from '../../../lib/metainfo/index.ts'

/** How a log has ended. */
export type RelayEnd =
  | { readonly kind: 'verified' }
  | { readonly kind: 'failed' }
  | { readonly kind: 'broken'; readonly err: unknown }

/**
 * The records of one blob's metainfo, encoded once for all readers, each of which only remembers how far it has read.
 * Several upstream streams may feed it, one after the other; what is known already is dropped.
 */
export interface RelayLog {
  /** Encoded records, to which new ones are only ever added. */
  readonly chunks: readonly Uint8Array[]
  readonly sizeBytes: number
  /** Heartbeats seen; they are passed on, not kept. */
  readonly beats: number
  readonly end: RelayEnd | undefined
  /** Starts reading one upstream stream. */
  feed(): RelayFeed
  /** Ends the log for its readers, unless it has ended. */
  break(err: unknown): void
  /** Calls `fn` after every change; returns what ends that. */
  onChange(fn: () => void): () => void
}

/** One upstream stream on its way into the log. */
export interface RelayFeed {
  /** @throws METAINFO_CONFLICT when it contradicts what is known, METAINFO_INVALID when it is malformed or another blob's */
  push(chunk: Uint8Array): void
  /** Records this stream has added. */
  readonly added: number
}

type PieceRecord = Extract<MetainfoRecord, { kind: 'piece' }>

export function relayLog(digest: Digest): RelayLog {
  const chunks: Uint8Array[] = []
  const listeners = new Set<() => void>()
  /** Only while records may still come. */
  let known: MetainfoLog | undefined = metainfoLog()
  let sizeBytes = 0
  let beats = 0
  let end: RelayEnd | undefined

  const changed = () => {
    for (const fn of [...listeners]) fn()
  }
  const append = (chunk: Uint8Array) => {
    chunks.push(chunk)
    sizeBytes += chunk.length
  }
  const finish = (how: RelayEnd) => {
    end = how
    known = undefined
  }

  /** Adds what is new of `records`; returns how many that were. */
  const take = (records: readonly MetainfoRecord[]): number => {
    let added = 0
    let run: PieceRecord[] = []
    const flush = () => {
      const first = run[0]
      if (first !== undefined) append(encodePieces(Buffer.concat(run.map(({ hash }) => hash)), first.index))
      run = []
    }
    try {
      for (const record of records) {
        if (known === undefined) break
        if (record.kind === 'heartbeat') beats += 1
        if (record.kind === 'header') assertDigest(record, digest)
        if (known.apply(record) === undefined) continue
        added += 1
        if (record.kind === 'piece') {
          if (record.index !== (run.at(-1)?.index ?? record.index - 1) + 1) flush()
          run.push(record)
          continue
        }
        flush()
        append(encodeRecord(record))
        if (record.kind === 'verified' || record.kind === 'failed') finish({ kind: record.kind })
      }
    } finally {
      flush()
    }
    return added
  }

  return {
    chunks,
    get sizeBytes() {
      return sizeBytes
    },
    get beats() {
      return beats
    },
    get end() {
      return end
    },
    feed() {
      const decoder: MetainfoDecoder = metainfoDecoder()
      let added = 0
      return {
        push(chunk) {
          const records = decoder.push(chunk)
          if (records.length === 0) return
          try {
            added += take(records)
          } finally {
            changed()
          }
        },
        get added() {
          return added
        },
      }
    },
    break(err) {
      if (end !== undefined) return
      finish({ kind: 'broken', err })
      changed()
    },
    onChange(fn) {
      listeners.add(fn)
      return () => void listeners.delete(fn)
    },
  }
}

function assertDigest({ header }: Extract<MetainfoRecord, { kind: 'header' }>, digest: Digest): void {
  if (header.digest !== digest) throw appError('METAINFO_INVALID', { message: 'the stream is of another blob' })
}
