import { bytesTogether, type Holding, MAX_ORDER_ITEMS, type OrderItem, type Progress } from '../../../lib/api/index.ts'

export const nothingDone: Progress = { blobs: 0, bytes: 0, doneBlobs: 0, partBlobs: 0, doneBytes: 0 }

/** Bytes that a host may claim where the sizes are not known. */
const MAX_CLAIM = 2 ** 40

/** What a host claims of an order, within what the order asks for, if that is known. */
export function believable(told: Progress, items: readonly OrderItem[] | undefined): Progress {
  const blobs = items?.length ?? Math.min(told.blobs, MAX_ORDER_ITEMS)
  const sizes = items?.map(({ size }) => size) ?? [undefined]
  const known = bytesTogether(...sizes.map((size) => size ?? 0))
  const bytes = sizes.includes(undefined) ? Math.min(told.bytes, MAX_CLAIM) : known
  const doneBlobs = Math.min(told.doneBlobs, blobs)
  return {
    ...{ blobs, bytes, doneBlobs },
    partBlobs: Math.min(told.partBlobs, blobs - doneBlobs),
    doneBytes: Math.min(told.doneBytes, bytes),
  }
}

/** How much of the image or blob a host holds that was asked. */
export function holdingOf({ blobs, doneBlobs, partBlobs }: Progress): Holding {
  if (blobs > 0 && doneBlobs === blobs) return 'whole'
  return doneBlobs + partBlobs > 0 ? 'part' : 'nothing'
}

export function sumOf(all: Iterable<Progress>): Progress {
  const sum = { ...nothingDone }
  for (const { blobs, bytes, doneBlobs, partBlobs, doneBytes } of all) {
    sum.blobs += blobs
    sum.bytes = bytesTogether(sum.bytes, bytes)
    sum.doneBlobs += doneBlobs
    sum.partBlobs += partBlobs
    sum.doneBytes = bytesTogether(sum.doneBytes, doneBytes)
  }
  return sum
}
