import type { FairBucket, TokenBucket } from '../../../base/index.ts'
import { classWeights, type PullClass } from '../../../core/index.ts'
import { type BufferPool, bufferPool } from '../shared/buffer-pool.ts'

/** What all uploads of a node share: the rate, of which each torrent gets as much as the others, and the bound on blocks waiting to leave. */
export interface UploadLane {
  readonly bucket: FairBucket
  /** Memory for blocks on their way out. */
  readonly buffers: BufferPool
  /** False when the queue is full: the request is to be rejected. */
  tryQueue(bytes: number, pullClass: PullClass): boolean
  /** A queued block left, or will not. */
  leave(bytes: number, pullClass: PullClass): void
  readonly queuedBytes: number
}

/**
 * Idle memory that is kept. Few blocks are being sent at a time, because each peer has only a few that are read or
 * sent.
 */
const IDLE_BYTES = 16 * 1024 * 1024

/** Of the queue, this share is there for each class, however full others have made it: so none keeps another one out. */
const OWN_SHARE = 1 / 8

export function uploadLane(bucket: FairBucket, maxQueuedBytes: number): UploadLane {
  const queued: Record<PullClass, number> = { high: 0, normal: 0, low: 0 }
  const all = () => queued.high + queued.normal + queued.low
  return {
    bucket,
    buffers: bufferPool(maxQueuedBytes, IDLE_BYTES),
    tryQueue(bytes, pullClass) {
      const own = queued[pullClass] + bytes
      if (all() + bytes > maxQueuedBytes && own > maxQueuedBytes * OWN_SHARE) return false
      queued[pullClass] = own
      return true
    },
    leave(bytes, pullClass) {
      queued[pullClass] -= bytes
    },
    get queuedBytes() {
      return all()
    },
  }
}

/** A torrent's part in the upload rate, by the class at which a peer asks. */
export type ClassPaces = Readonly<Record<PullClass, TokenBucket>>

/** Small blobs go first, but those of the lowest class. */
export function classPaces(bucket: Pick<FairBucket, 'flow'>, { short }: { readonly short: boolean }): ClassPaces {
  return {
    high: bucket.flow({ short, weight: classWeights.high }),
    normal: bucket.flow({ short, weight: classWeights.normal }),
    low: bucket.flow({ weight: classWeights.low }),
  }
}
