import type { ByteRange, MetaInfoHeader } from '../../core/index.ts'
import { type Content, noBytes, type SliceCache, sourceReadable, type Torrent } from '../torrent/index.ts'
import type { HandleSource } from './blob-handle.ts'

/** A handle's view of content that came inside the metainfo header. */
export function inlineBlob(header: MetaInfoHeader, data: Uint8Array): HandleSource {
  return restingBlob(header, async ({ start, end }, into) => into.set(data.subarray(start, end)), {
    received: { ...noBytes, origin: data.length },
    close: () => undefined,
  })
}

export interface StoredBlobInit {
  readonly header: MetaInfoHeader
  readonly content: Content
  /** Ends the lease on the blob. */
  readonly close: () => void
}

/** A handle's view of a blob that is complete in the store: no network. */
export function storedBlob(slices: SliceCache, { header, content, close }: StoredBlobInit): HandleSource {
  const read: Read = (range, into) => slices.read(content, range, into)
  return restingBlob(header, read, { received: { ...noBytes, cache: header.length }, close })
}

/** Fills `into`, as long as the range. */
type Read = (range: ByteRange, into: Uint8Array) => Promise<void>

function restingBlob(header: MetaInfoHeader, next: Read, rest: Pick<HandleSource, 'received' | 'close'>): HandleSource {
  return {
    ...rest,
    header,
    lastStepFailed: undefined,
    read(range, options, onFirstByte) {
      const first = range.start
      const source = {
        next: async ({ start }: ByteRange, into: Uint8Array) => {
          await next({ start, end: start + into.length }, into)
          if (start === first) onFirstByte()
          return into.length
        },
        close: () => undefined,
      }
      return sourceReadable(source, range, options)
    },
  }
}

/** A handle's view of a blob on its way. */
export function pulledBlob(torrent: Torrent, header: MetaInfoHeader, close: () => void): HandleSource {
  return {
    header,
    get received() {
      return torrent.received
    },
    get lastStepFailed() {
      return torrent.lastStepFailed
    },
    read: (range, options, onFirstByte) => torrent.read(range, options, onFirstByte),
    close,
  }
}
