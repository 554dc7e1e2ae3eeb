import type { TokenBucket } from '../../base/index.ts'

/** What all uploads of a node share: the rate, and the bound on blocks waiting to leave. */
export interface UploadLane {
  readonly bucket: TokenBucket
  /** False when the queue is full: the request is to be rejected. */
  tryQueue(bytes: number): boolean
  /** A queued block left, or will not. */
  leave(bytes: number): void
  readonly queuedBytes: number
}

export function uploadLane(bucket: TokenBucket, maxQueuedBytes: number): UploadLane {
  let queued = 0
  return {
    bucket,
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
