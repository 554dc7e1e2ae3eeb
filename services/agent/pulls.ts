import type { Readable } from 'node:stream'
import type { AbortOptions } from '../../lib/base/index.ts'
import type { BlobRef, ByteRange } from '../../lib/core/index.ts'
import type { PullSummary, ReadOptions, SwarmEngine } from '../../lib/swarm/index.ts'
import type { Logger } from '../../lib/telemetry/index.ts'

export interface PullsComponents {
  readonly engine: Pick<SwarmEngine, 'open'>
  readonly logger: Logger
  /** Called with a summary when a pull has ended. */
  readonly onPull: (summary: PullSummary) => void
}

/** One pull of a blob: from its header to the last byte that the client wants. Pulls of one blob are independent. */
export interface Pull {
  /** Bytes of the whole blob. */
  readonly size: number
  /** Streams the bytes as soon as they are verified; destroying the stream ends the read. */
  open(range: ByteRange, options?: ReadOptions): Promise<Readable>
  /** Ends and reports the pull; idempotent. Call it in a `finally` after the stream has ended. */
  close(): void
}

/** Gives blobs of the cluster as streams, and logs where the time and the bytes of each pull went. */
export interface Pulls {
  /**
   * Returns once the size of the blob is known. The caller must close the pull.
   * @throws BLOB_UNKNOWN, NO_BACKEND_RULE, SOURCES_EXHAUSTED, DIGEST_REFUSED
   */
  find(blob: BlobRef, options?: AbortOptions): Promise<Pull>
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
    async find(blob, options = {}) {
      const handle = await engine.open(blob, options)
      handle.summary.then(report).catch((err: unknown) => logger.warn('failed to summarize a pull', { err }))
      return {
        size: handle.size,
        open: async (range, reading) => handle.read(range, reading),
        close: () => handle.close(),
      }
    },
  }
}
