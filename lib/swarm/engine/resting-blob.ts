import { type ByteRange, type Digest, headerOf, type MetaInfoHeader } from '../../core/index.ts'
import type { SwarmStore } from '../outside.ts'
import { completeContent, type Loan, noBytes, type SliceCache, sourceReadable, type Torrent } from '../torrent/index.ts'
import type { HandleSource } from './blob-handle.ts'

/** The data of a handle whose content came inside the metainfo header. */
export function inlineBlob(header: MetaInfoHeader, data: Uint8Array): HandleSource {
  const read: Read = async ({ start, end }, into) => into.set(data.subarray(start, end))
  const lend: Lend = async ({ start, end }) => ({ bytes: data.subarray(start, end), release: () => undefined })
  return restingBlob(header, { read, lend }, { received: { ...noBytes, origin: data.length }, close: () => undefined })
}

/** The data of a handle whose blob is complete in the store; undefined when it is not. Does not use the network. */
export async function storedBlob(
  store: SwarmStore,
  slices: SliceCache,
  digest: Digest,
): Promise<HandleSource | undefined> {
  const close = store.lease(digest)
  const stored = await store.stat(digest).catch((err: unknown) => {
    close()
    throw err
  })
  if (stored === undefined) {
    close()
    return undefined
  }
  const header = headerOf(digest, stored.size)
  const content = completeContent(store, header)
  const read: Read = (range, into) => slices.read(content, range, into)
  const lend: Lend = (range) => slices.lend(content, range)
  return restingBlob(header, { read, lend }, { received: { ...noBytes, cache: header.length }, close })
}

/** Fills `into`, which is as long as the range. */
type Read = (range: ByteRange, into: Uint8Array) => Promise<void>
type Lend = (range: ByteRange) => Promise<Loan | undefined>

function restingBlob(
  header: MetaInfoHeader,
  from: { readonly read: Read; readonly lend: Lend },
  rest: Pick<HandleSource, 'received' | 'close'>,
): HandleSource {
  return {
    ...rest,
    header,
    lastStepFailed: undefined,
    sources: [],
    read(range, options, watch) {
      const source = {
        next: async ({ start }: ByteRange, into: Uint8Array) => {
          await from.read({ start, end: start + into.length }, into)
          return into.length
        },
        lend: (part: ByteRange) => from.lend(part),
        close: () => undefined,
      }
      return sourceReadable(source, range, options, watch)
    },
  }
}

/** The data of a handle whose blob is still arriving. */
export function pulledBlob(torrent: Torrent, header: MetaInfoHeader, close: () => void): HandleSource {
  return {
    header,
    get received() {
      return torrent.received
    },
    get lastStepFailed() {
      return torrent.lastStepFailed
    },
    get sources() {
      return torrent.sources
    },
    read: (range, options, watch) => torrent.read(range, options, watch),
    close,
  }
}
