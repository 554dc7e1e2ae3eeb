import {
  type AbortOptions,
  abortable,
  appError,
  type Deferred,
  deferred,
  throwIfAborted,
} from '../../lib/base/index.ts'
import type { BlobRef, ByteRange, Digest } from '../../lib/core/index.ts'
import type { MetainfoRecord } from '../../lib/metainfo/index.ts'
import type { MetainfoAsker, MetainfoOptions, MetainfoSource, PieceSource } from '../../lib/swarm/index.ts'
import type { Want } from '../../lib/swarm/wire/index.ts'
import type { SwarmBlob } from './swarm-blob.ts'

export type MetainfoAnswer = (blob: BlobRef, direct: boolean) => Iterable<MetainfoRecord | Promise<void>> | undefined

/** Metainfo and pieces as from an origin, in memory; a test can make them fail. */
export interface SwarmSources {
  readonly metainfo: MetainfoSource
  readonly pieces: PieceSource
  /** What was said over HTTP to be wanted first. */
  readonly wants: readonly Want[]
  /** Payload bytes sent as HTTP pieces. */
  readonly piecesSent: number
  /** Streams opened so far. */
  readonly metainfoOpened: number
  /** Who introduced itself with a request for metainfo, in order. */
  readonly askers: readonly MetainfoAsker[]
  /**
   * Replaces the answer to later metainfo requests; undefined restores the true answer. The function gets `direct` when
   * the agent asks an origin itself, and may return undefined to give the true answer.
   */
  answerMetainfo(answer: MetainfoAnswer | undefined): void
  /** Every read fails with this code; undefined ends this. */
  failPieces(code: 'SOURCES_EXHAUSTED' | 'BLOB_UNKNOWN' | undefined): void
  /** While true, reads give wrong bytes. */
  corruptPieces(corrupt: boolean): void
  /** Reads wait at this offset until `open` is called. */
  gatePieces(offset: number): { open(): void }
}

const CHUNK = 100_000

export function swarmSources(blobs: readonly SwarmBlob[]): SwarmSources {
  const byDigest = new Map<Digest, SwarmBlob>(blobs.map((blob) => [blob.digest, blob]))
  let answer: MetainfoAnswer | undefined
  let failure: 'SOURCES_EXHAUSTED' | 'BLOB_UNKNOWN' | undefined
  let corrupt = false
  let gate: { readonly offset: number; readonly opened: Deferred<void> } | undefined
  const failIfTold = () => {
    if (failure !== undefined) throw appError(failure)
  }
  let sent = 0
  let opened = 0
  const askers: MetainfoAsker[] = []
  const wants: Want[] = []

  async function* records(blob: BlobRef, options: MetainfoOptions): AsyncGenerator<MetainfoRecord> {
    const { signal, direct = false, asker } = options
    opened += 1
    if (asker !== undefined) askers.push(asker)
    const known = byDigest.get(blob.digest)
    if (answer === undefined && known === undefined) throw appError('BLOB_UNKNOWN')
    for (const item of answer?.(blob, direct) ?? known?.records ?? []) {
      if ('kind' in item) yield item
      else await abortable(item, signal)
    }
  }

  async function* bytes(blob: BlobRef, range: ByteRange, { signal }: AbortOptions): AsyncGenerator<Uint8Array> {
    const known = byDigest.get(blob.digest)
    failIfTold()
    if (known === undefined) throw appError('BLOB_UNKNOWN')
    for (let at = range.start; at < range.end; at += CHUNK) {
      const chunk = Uint8Array.from(known.bytes.subarray(at, Math.min(range.end, at + CHUNK)))
      if (gate !== undefined && at + chunk.length > gate.offset) await abortable(gate.opened.promise, signal)
      throwIfAborted(signal)
      failIfTold()
      if (corrupt) chunk[0] = (chunk[0] ?? 0) ^ 0xff
      sent += chunk.length
      yield chunk
    }
  }

  return {
    metainfo: { open: (blob, options = {}) => records(blob, options) },
    pieces: {
      read: (blob, range, options = {}) => bytes(blob, range, options),
      want: async (_, want) => void wants.push(want),
    },
    wants,
    get piecesSent() {
      return sent
    },
    get metainfoOpened() {
      return opened
    },
    askers,
    answerMetainfo: (next) => {
      answer = next
    },
    failPieces: (code) => {
      failure = code
    },
    corruptPieces: (value) => {
      corrupt = value
    },
    gatePieces(offset) {
      const opened = deferred()
      gate = { offset, opened }
      return { open: () => opened.resolve() }
    },
  }
}
