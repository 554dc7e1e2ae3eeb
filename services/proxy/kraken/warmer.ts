import type { OriginCluster } from '../../../lib/api/index.ts'
import {
  type AbortOptions,
  appError,
  background,
  type Clock,
  isAppError,
  type Random,
  retry,
  type Startable,
} from '../../../lib/base/index.ts'
import type { BlobRef } from '../../../lib/core/index.ts'
import { decodeMetainfo } from '../../../lib/metainfo/index.ts'
import type { Logger, Metrics } from '../../../lib/telemetry/index.ts'

/** Images that wait for their turn; one more is refused. */
const MAX_WAITING = 256
/** Images whose blobs are on their way to the origins. */
const IMAGES_AT_ONCE = 4
/** Blobs of one image that the origins are asked for at the same time. */
const BLOBS_AT_ONCE = 4
/** For a blob whose origin dies, or has too much to do. */
const TRIES = { attempts: 3, baseMs: 500, maxMs: 5_000 }

export interface WarmerComponents {
  readonly origins: Pick<OriginCluster, 'openMetainfo'>
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
}

/** Finds out which blobs an image has. */
export type FindBlobs = (options: AbortOptions) => Promise<readonly BlobRef[]>

export interface WarmImage {
  readonly find: FindBlobs
  /** Done when the origins were asked for all of them. */
  readonly after?: (options: AbortOptions) => Promise<void>
}

/**
 * Asks origins to bring the blobs of images, in the background: an origin that has to tell all piece hashes of a blob
 * brings it. What fails is logged and counted; whoever pulls the image later has it brought then.
 */
export interface Warmer extends Startable {
  /** Takes all images or none; returns at once. @throws UNAVAILABLE when too many images wait */
  warm(...images: readonly WarmImage[]): void
}

/** Its stop gives up what is under way, and forgets what waits. */
export function warmer({ origins, metrics, logger, clock, random }: WarmerComponents): Warmer {
  const counted = metrics.counter(
    {
      name: 'shoal_kraken_warmed_blobs_total',
      help: 'blobs that origins were asked to bring before anybody pulls them',
    },
    ['outcome'],
  )
  const brought = counted.with({ outcome: 'brought' })
  const failed = counted.with({ outcome: 'failed' })
  const newTasks = () => background((_, err) => logger.error('failed to warm images', { err }))
  let tasks = newTasks()
  let waiting: WarmImage[] = []

  const insist = async (blob: BlobRef, signal: AbortSignal) => {
    const again = (err: unknown) => isAppError(err) && err.retryable
    try {
      await retry({ clock, random }, TRIES, () => bring(origins, blob, signal), { signal, again })
      brought.add()
    } catch (err) {
      if (signal.aborted) return
      failed.add()
      logger.warn('failed to have a blob brought to the origins', { digest: blob.digest, err })
    }
  }
  const warmOne = async ({ find, after }: WarmImage, signal: AbortSignal) => {
    const blobs = [...(await find({ signal }))].reverse()
    const each = async () => {
      for (let blob = blobs.pop(); blob !== undefined && !signal.aborted; blob = blobs.pop()) await insist(blob, signal)
    }
    await Promise.all(Array.from({ length: BLOBS_AT_ONCE }, each))
    await after?.({ signal })
  }
  /** Takes one image after the other, until none waits. */
  const work = async (signal: AbortSignal) => {
    for (let image = waiting.shift(); image !== undefined && !signal.aborted; image = waiting.shift()) {
      await warmOne(image, signal).catch((err: unknown) => {
        if (!signal.aborted) logger.warn('failed to warm an image', { err })
      })
    }
  }

  return {
    warm(...images) {
      if (waiting.length + images.length > MAX_WAITING) {
        throw appError('UNAVAILABLE', { message: 'too many images wait to be brought to the origins; try again' })
      }
      waiting.push(...images)
      for (let more = images.length; more > 0 && tasks.size < IMAGES_AT_ONCE; more -= 1) tasks.run('warm', work)
    },
    async start() {
      tasks = newTasks()
    },
    async stop() {
      waiting = []
      await tasks.stop()
    },
  }
}

async function bring(
  origins: WarmerComponents['origins'],
  { repository, digest }: BlobRef,
  signal: AbortSignal,
): Promise<void> {
  for await (const record of decodeMetainfo(await origins.openMetainfo(repository, digest, { whole: true, signal }))) {
    if (record.kind === 'failed') throw appError('METAINFO_FAILED', { detail: { digest, code: record.code } })
  }
}
