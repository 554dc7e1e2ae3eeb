import type { FairBucket } from '../../../base/index.ts'
import { type BufferPool, bufferPool } from '../shared/buffer-pool.ts'

/** What all uploads of a node share: the rate, of which each torrent gets as much as the others, and the bound on blocks waiting to leave. */
export interface UploadLane {
  readonly bucket: FairBucket
  /** Memory for blocks on their way out. */
  readonly buffers: BufferPool
  /** False when the queue is full: the request is to be rejected. */
  tryQueue(bytes: number): boolean
  /** A queued block left, or will not. */
  leave(bytes: number): void
  readonly queuedBytes: number
}

/**
 * Idle memory that is kept. Few blocks are being sent at a time, because each peer has only a few that are read or
 * sent.
 */
const IDLE_BYTES = 16 * 1024 * 1024

export function uploadLane(bucket: FairBucket, maxQueuedBytes: number): UploadLane {
  let queued = 0
  return {
    bucket,
    buffers: bufferPool(maxQueuedBytes, IDLE_BYTES),
    tryQueue(bytes) {
      if (queued + bytes > maxQueuedBytes) return false
      queued += bytes
      return true
    },
    leave(bytes) {
      queued -= bytes
    },
    get queuedBytes() {
      return queued
    },
  }
}
