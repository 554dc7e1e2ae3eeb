import { bytesTogether, type Order, type OrderItem, type Progress } from '../../../lib/api/index.ts'
import { appError, hasCode, throwIfAborted } from '../../../lib/base/index.ts'
import { type Digest, type Repository, URL_REGISTRY } from '../../../lib/core/index.ts'
import type { BlobReader, PartialBlobs, Retention } from '../../../lib/store/index.ts'
import type { BringBlob } from '../bring-blob.ts'
import type { Links } from '../links/index.ts'
import { together } from '../together.ts'

/** Blobs of one order that are fetched at the same time, as many as docker pulls. */
const AT_ONCE = 3

interface OrdersStore extends Pick<BlobReader, 'stat'>, PartialBlobs, Retention {}

export interface CarryOutComponents {
  readonly store: OrdersStore
  /** Proves what was fetched, so that it is given out also while no build-index answers. */
  readonly links: Pick<Links, 'manifest' | 'requireBlob'>
  readonly bring: BringBlob
}

export interface CarryOutOptions {
  readonly signal: AbortSignal
  /** Told whenever it has gone on. */
  readonly onProgress: (progress: Progress) => void
}

/**
 * Does one order, which may have been done before, in part or whole. @throws BLOB_UNKNOWN (nothing to pin), BLOB_HELD
 * (a part is in use and cannot be deleted), ABORTED, and what bringing a blob throws
 */
export type CarryOut = (order: Order, options: CarryOutOptions) => Promise<void>

/** How far an order is; it tells of each step. */
class Tally {
  readonly #onProgress: (progress: Progress) => void
  #now: Progress

  constructor(items: readonly OrderItem[], onProgress: (progress: Progress) => void) {
    const bytes = bytesTogether(...items.map(({ size = 0 }) => size))
    this.#onProgress = onProgress
    this.#now = { blobs: items.length, bytes, doneBlobs: 0, partBlobs: 0, doneBytes: 0 }
  }

  add(step: Partial<Progress>): void {
    const { blobs, bytes, doneBlobs, partBlobs, doneBytes } = this.#now
    this.#now = {
      blobs,
      bytes: bytesTogether(bytes, step.bytes ?? 0),
      doneBlobs: doneBlobs + (step.doneBlobs ?? 0),
      partBlobs: partBlobs + (step.partBlobs ?? 0),
      doneBytes: bytesTogether(doneBytes, step.doneBytes ?? 0),
    }
    this.#onProgress(this.#now)
  }

  /** A whole blob; what was not known of its size is known now. */
  done({ size }: OrderItem, found: { readonly size: number } | undefined, already = 0): void {
    const bytes = found?.size ?? 0
    this.add({ doneBlobs: 1, doneBytes: bytes - already, ...(size === undefined && { bytes }) })
  }
}

type Step = (components: CarryOutComponents, order: Order, tally: Tally, signal: AbortSignal) => Promise<void>

const query: Step = async ({ store }, { items }, tally) => {
  const partials = new Map((await store.partials()).map((partial) => [partial.digest, partial]))
  for (const item of items) {
    const whole = await store.stat(item.digest)
    const part = partials.get(item.digest)
    if (whole !== undefined) tally.done(item, whole)
    else if (part !== undefined && part.bytes > 0) {
      const bytes = item.size === undefined ? { bytes: part.map.length } : {}
      tally.add({ partBlobs: 1, doneBytes: part.bytes, ...bytes })
    }
  }
}

const preload: Step = async ({ bring, links }, { items, repository }, tally, signal) => {
  if (repository === undefined) throw appError('BODY_INVALID', { message: 'the order names no repository' })
  await together(items, { signal, atOnce: AT_ONCE }, (item, working) =>
    fetchItem({ bring, links, repository, tally }, item, working.signal),
  )
}

interface Fetching extends Pick<CarryOutComponents, 'bring' | 'links'> {
  readonly repository: Repository
  readonly tally: Tally
}

async function fetchItem({ bring, links, repository, tally }: Fetching, item: OrderItem, signal: AbortSignal) {
  let arrived = 0
  const onBytes = (bytes: number) => {
    arrived += bytes
    tally.add({ doneBytes: bytes })
  }
  const { digest, mediaType } = item
  const { size } = await bring({ repository, digest }, { signal, onBytes })
  tally.done(item, { size }, arrived)
  // What lies under a URL is linked by nobody: it is for everybody whose origins bring it.
  if (repository.registry === URL_REGISTRY) return
  if (mediaType === undefined) await links.requireBlob({ repository, digest }, { signal })
  else await links.manifest(repository, digest, { signal })
}

const remove: Step = async ({ store }, { items }, tally, signal) => {
  for (const item of items) {
    throwIfAborted(signal)
    const found = await store.stat(item.digest)
    await store.delete(item.digest)
    if (!(await store.dropPartial(item.digest))) throw appError('BLOB_HELD', { detail: { digest: item.digest } })
    tally.done(item, found)
  }
}

/** All that can be pinned is, also when something is missing. */
const pin: Step = async ({ store }, { items }, tally) => {
  const missing: Digest[] = []
  for (const item of items) {
    const found = await store.stat(item.digest)
    if (found === undefined || !(await pinned(store, item.digest, true))) missing.push(item.digest)
    else tally.done(item, found)
  }
  if (missing.length > 0) throw appError('BLOB_UNKNOWN', { detail: { missing: missing.length } })
}

const unpin: Step = async ({ store }, { items }, tally) => {
  for (const item of items) {
    const found = await store.stat(item.digest)
    if (found !== undefined) await pinned(store, item.digest, false)
    tally.done(item, found)
  }
}

/** False when the blob has gone. */
async function pinned(store: Pick<Retention, 'pin'>, digest: Digest, on: boolean): Promise<boolean> {
  try {
    await store.pin(digest, on)
    return true
  } catch (err) {
    if (hasCode(err, 'BLOB_UNKNOWN')) return false
    throw err
  }
}

const steps: Readonly<Record<Order['kind'], Step>> = { query, preload, delete: remove, pin, unpin }

export function carryOut(components: CarryOutComponents): CarryOut {
  return async (order, { signal, onProgress }) => {
    throwIfAborted(signal)
    const tally = new Tally(order.items, onProgress)
    tally.add({})
    await steps[order.kind](components, order, tally, signal)
  }
}
