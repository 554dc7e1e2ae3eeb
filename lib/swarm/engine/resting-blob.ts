import type { MetaInfoHeader } from '../../core/index.ts'
import { type Content, noBytes, SLICE_LENGTH, type SliceCache, sourceReadable, type Torrent } from '../torrent/index.ts'
import type { HandleSource } from './blob-handle.ts'

/** A handle's view of content that came inside the metainfo header. */
export function inlineBlob(header: MetaInfoHeader, data: Uint8Array): HandleSource {
  return restingBlob(header, async (range) => data.subarray(range.start, range.end), {
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
  const read: Read = (range) => {
    const end = Math.min(range.end, (Math.floor(range.start / SLICE_LENGTH) + 1) * SLICE_LENGTH)
    return slices.read(content, { start: range.start, end })
  }
  return restingBlob(header, read, { received: { ...noBytes, cache: header.length }, close })
}

type Read = (range: { readonly start: number; readonly end: number }) => Promise<Uint8Array>

function restingBlob(header: MetaInfoHeader, next: Read, rest: Pick<HandleSource, 'received' | 'close'>): HandleSource {
  return {
    ...rest,
    header,
    lastStepFailed: undefined,
    read(range, options, onFirstByte) {
      const first = range.start
      const source = {
        next: async (left: { readonly start: number; readonly end: number }) => {
          const bytes = await next(left)
          if (left.start === first) onFirstByte()
          return bytes
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
