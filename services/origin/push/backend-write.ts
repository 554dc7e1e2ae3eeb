import type { Readable } from 'node:stream'
import type { Backend, Backends } from '../../../lib/backend/index.ts'
import { type AbortOptions, appError, hasCode } from '../../../lib/base/index.ts'
import type { BlobRef } from '../../../lib/core/index.ts'
import { blobKey } from '../blob-keys.ts'
import type { Refusals } from '../bring/refusals.ts'
import type { Condemned, Spared } from '../garbage/condemned.ts'

export interface BackendWriteComponents {
  readonly backends: Pick<Backends, 'backendFor'>
  readonly refusals: Pick<Refusals, 'has' | 'clear'>
  readonly condemned: Pick<Condemned, 'spare'>
  readonly onSent: (to: 'backend', bytes: number) => void
}

/** Content that can be read any number of times. */
export interface PlacedContent {
  readonly blob: BlobRef
  readonly size: number
  read(): Promise<Readable>
}

/** To send so few bytes in vain costs no more than to look first whether they are there. */
const SHORT_BYTES = 64 * 1024

/**
 * Makes sure that the backend has the blob, and that it stays until it can be linked: spares it, then looks, writes a
 * missing blob (a short one without a look), and replaces one that has another size or was found wrong. The look comes last: what it finds is not being
 * removed. After a long write it does both again. The result tells whether that was a short time ago. @throws what the backend throws; then nothing of this write is left there. BACKEND_UNAVAILABLE also when another
 * writer was in the way and has not finished.
 */
export async function writeToBackend(
  components: BackendWriteComponents,
  content: PlacedContent,
  options: AbortOptions,
): Promise<Spared> {
  const { backends, condemned } = components
  const { repository, digest } = content.blob
  const backend = backends.backendFor(repository)
  for (;;) {
    const spared = await condemned.spare(backend, digest, options)
    await writeMissing(components, content, options)
    if (spared.isFresh()) return spared
  }
}

async function writeMissing(
  { backends, refusals, onSent }: BackendWriteComponents,
  content: PlacedContent,
  options: AbortOptions,
): Promise<void> {
  const { blob, size } = content
  const key = blobKey(blob.digest)
  const backend = backends.backendFor(blob.repository)
  if (size <= SHORT_BYTES && !refusals.has(blob) && (await added(backend, content, options))) {
    onSent('backend', size)
    return
  }
  const found = await backend.stat(key, options)
  const damaged = found !== undefined && (found.size !== size || refusals.has(blob))
  if (found !== undefined && !damaged) return
  const condition = found === undefined ? { ifAbsent: true } : { ifMatch: found.etag }
  try {
    await backend.write(key, await content.read(), { ...options, ...condition, size })
    onSent('backend', size)
    refusals.clear(blob)
  } catch (err) {
    if (!hasCode(err, 'BACKEND_PRECONDITION_FAILED')) throw err
    // Another process has written the blob meanwhile; only its size matters.
    if ((await backend.stat(key, options))?.size === size) return
    // Or it still writes, or it gave up: the next attempt looks again.
    const message = 'another writer of the blob was in the way, and the backend does not have it yet'
    throw appError('BACKEND_UNAVAILABLE', { message, detail: { digest: blob.digest }, cause: err })
  }
}

/** False when the backend may have the blob already, or takes none. */
async function added(backend: Backend, content: PlacedContent, options: AbortOptions): Promise<boolean> {
  const { blob, size } = content
  try {
    await backend.write(blobKey(blob.digest), await content.read(), { ...options, ifAbsent: true, size })
    return true
  } catch (err) {
    if (hasCode(err, 'BACKEND_PRECONDITION_FAILED', 'BACKEND_READ_ONLY')) return false
    throw err
  }
}
