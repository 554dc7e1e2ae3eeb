import type { Readable } from 'node:stream'
import type { AbortOptions } from '../../lib/base/index.ts'
import type { ByteRange } from '../../lib/core/index.ts'
import type { BlobRef, PullSummary, SwarmEngine } from '../../lib/swarm/index.ts'
import type { Logger } from '../../lib/telemetry/index.ts'

export interface PullsComponents {
  readonly engine: SwarmEngine
  readonly logger: Logger
  /** Told every pull that has ended. */
  readonly onPull: (summary: PullSummary) => void
}

/** Blobs of the cluster as streams; logs where the time and the bytes of each pull went. */
export interface Pulls {
  /** The blob's size, once its header is known. @throws BLOB_UNKNOWN, SOURCES_EXHAUSTED, DIGEST_REFUSED */
  size(blob: BlobRef, options?: AbortOptions): Promise<number>
  /** Bytes flow as soon as they are verified; destroying the stream ends the pull. */
  open(blob: BlobRef, range: ByteRange, options?: AbortOptions): Promise<Readable>
}

const speedOf = ({ totalMs, bytes }: PullSummary): number => {
  const total = Object.values(bytes).reduce((sum, count) => sum + count, 0)
  return totalMs > 0 ? Math.round((total / totalMs) * 1000) : 0
}

export function pulls({ engine, logger, onPull }: PullsComponents): Pulls {
  const report = (summary: PullSummary) => {
    const { digest, size, bytes, firstByteMs, totalMs, lastStepFailed } = summary
    const facts = { digest, size, bytes, firstByteMs, totalMs, bytesPerSecond: speedOf(summary), lastStepFailed }
    logger.info('pull ended', facts)
    onPull(summary)
  }
  return {
    async size(blob, options = {}) {
      const handle = await engine.open(blob, options)
      handle.close()
      return handle.size
    },
    async open(blob, range, options = {}) {
      const handle = await engine.open(blob, options)
      handle.summary.then(report).catch((err: unknown) => logger.warn('failed to sum up a pull', { err }))
      const body = handle.read(range, options)
      body.once('close', () => handle.close())
      return body
    },
  }
}
