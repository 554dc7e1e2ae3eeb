import type { Readable } from 'node:stream'
import type { AbortOptions, Clock, Startable, Timer } from '../../lib/base/index.ts'
import type { BlobRef, ByteRange } from '../../lib/core/index.ts'
import type { BlobHandle, PullSummary, ReadOptions, SwarmEngine } from '../../lib/swarm/index.ts'
import type { Logger } from '../../lib/telemetry/index.ts'

/** A GET asks for the size first: what that opened is kept this long for the read that follows. */
const KEPT_MS = 1_000

export interface PullsComponents {
  readonly clock: Clock
  readonly engine: SwarmEngine
  readonly logger: Logger
  /** Told every pull that has ended. */
  readonly onPull: (summary: PullSummary) => void
}

/** Blobs of the cluster as streams; logs where the time and the bytes of each pull went. */
export interface Pulls extends Startable {
  /** The blob's size, once its header is known. @throws BLOB_UNKNOWN, NO_BACKEND_RULE, SOURCES_EXHAUSTED, DIGEST_REFUSED */
  size(blob: BlobRef, options?: AbortOptions): Promise<number>
  /** Bytes flow as soon as they are verified; destroying the stream ends the pull. */
  open(blob: BlobRef, range: ByteRange, options?: ReadOptions): Promise<Readable>
}

const speedOf = ({ totalMs, bytes }: PullSummary): number => {
  const total = Object.values(bytes).reduce((sum, count) => sum + count, 0)
  return totalMs > 0 ? Math.round((total / totalMs) * 1000) : 0
}

export function pulls({ clock, engine, logger, onPull }: PullsComponents): Pulls {
  const report = (summary: PullSummary) => {
    const { digest, size, bytes, firstByteMs, totalMs, lastStepFailed } = summary
    const facts = { digest, size, bytes, firstByteMs, totalMs, bytesPerSecond: speedOf(summary), lastStepFailed }
    logger.info('pull ended', facts)
    onPull(summary)
  }
  const asked = new Map<string, { readonly handle: BlobHandle; readonly timer: Timer }>()

  const keep = (key: string, handle: BlobHandle) => {
    take(key)?.close()
    const timer = clock.setTimer(KEPT_MS, () => take(key)?.close(), { background: true })
    asked.set(key, { handle, timer })
  }
  const take = (key: string): BlobHandle | undefined => {
    const found = asked.get(key)
    found?.timer.cancel()
    asked.delete(key)
    return found?.handle
  }

  return {
    start: () => Promise.resolve(),
    async stop() {
      for (const key of [...asked.keys()]) take(key)?.close()
    },
    async size(blob, options = {}) {
      const handle = await engine.open(blob, options)
      keep(blob.digest, handle)
      return handle.size
    },
    async open(blob, range, options = {}) {
      const handle = take(blob.digest) ?? (await engine.open(blob, options))
      handle.summary.then(report).catch((err: unknown) => logger.warn('failed to sum up a pull', { err }))
      const body = handle.read(range, options)
      body.once('close', () => handle.close())
      return body
    },
  }
}
