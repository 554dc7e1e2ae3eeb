import type { ClusterMarks, MarkingCluster } from '../../../lib/api/index.ts'
import { type AbortOptions, type Clock, throwIfAborted } from '../../../lib/base/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'

/** A new backend has the mark long before the shortest grace of another cluster is over, which is an hour. */
const MARK_MS = 1_200_000
const RETRY_MS = 60_000

export interface MarkPlacesComponents {
  readonly stored: Pick<ClusterMarks, 'enter'>
  readonly clock: Clock
  readonly logger: Logger
  readonly self: (options: AbortOptions) => Promise<MarkingCluster>
}

/**
 * Leaves the mark of this cluster in the backends of its blobs, whether or not it removes garbage: no other cluster then
 * removes there what only this one links. Goes on until the signal fires.
 */
export async function markPlaces(components: MarkPlacesComponents, signal: AbortSignal): Promise<void> {
  const { stored, clock, logger, self } = components
  for (;;) {
    let pauseMs = MARK_MS
    try {
      const clusters = await stored.enter(await self({ signal }), { signal })
      if (clusters.length > 0) {
        logger.warn('other clusters write in backends of the blobs too, so no garbage is removed there', { clusters })
      }
    } catch (err) {
      throwIfAborted(signal)
      pauseMs = RETRY_MS
      logger.info('the backends of the blobs are not marked as ours yet; it is tried again', { err })
    }
    await clock.sleep(pauseMs, { signal })
  }
}
