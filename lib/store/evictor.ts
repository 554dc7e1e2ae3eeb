import type { Clock } from '../base/index.ts'
import type { Digest } from '../core/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { CompleteBlobs } from './blob-facets.ts'
import { type Candidate, evictInRounds } from './eviction.ts'
import type { Leases } from './leases.ts'
import type { Volume } from './medium.ts'
import type { PartialTable } from './partial-table.ts'
import type { StoreMetrics } from './store-metrics.ts'
import type { UploadRoom } from './uploads.ts'

/** An eviction that has to ask others stops after this time, whatever it has freed, because writers wait for it. */
const MAX_EVICTION_MS = 10_000

export interface EvictorComponents {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly logger: Logger
  readonly metrics: StoreMetrics | undefined
  readonly blobs: Pick<CompleteBlobs, 'idle' | 'evict'>
  readonly partials: Pick<PartialTable, 'idle' | 'evict'>
  readonly uploads: Pick<UploadRoom, 'idle' | 'evict'>
  readonly leases: Pick<Leases, 'held'>
  readonly evictable: (digest: Digest) => boolean | Promise<boolean>
}

/** Removes what may be removed, at least `bytes` if possible; with `volume`, only from that one. */
export type Evictor = (bytes: number, volume?: Volume) => Promise<void>

/** Decides which of all things in a store go when there is no room. */
export function evictor(components: EvictorComponents): Evictor {
  const { clock, logger, metrics, blobs, partials, uploads, leases } = components

  const mayEvict = async (candidate: Candidate): Promise<boolean> => {
    if (candidate.kind !== 'blob') return true
    const { digest } = candidate
    try {
      return await components.evictable(digest)
    } catch (err) {
      logger.warn('failed to find out whether a blob may be evicted', { digest, err })
      return false
    }
  }

  const remove = (candidate: Candidate): Promise<boolean> => {
    if (candidate.kind === 'upload') return uploads.evict(candidate.id)
    // A reader may have come during the question, or while an earlier victim was removed.
    if (leases.held(candidate.digest)) return Promise.resolve(false)
    return (candidate.kind === 'blob' ? blobs : partials).evict(candidate.digest)
  }

  const evict = async (candidate: Candidate): Promise<boolean> => {
    if (!(await remove(candidate))) return false
    const { kind, bytes } = candidate
    const name = kind === 'upload' ? { upload: candidate.id } : { digest: candidate.digest }
    metrics?.evictions.with({ kind }).add()
    logger.info('evicted', { kind, ...name, bytes })
    return true
  }

  return async (bytes, volume) => {
    const free = [...blobs.idle(), ...partials.idle()].filter(({ digest }) => !leases.held(digest))
    const all: readonly Candidate[] = [...free, ...uploads.idle()]
    const idle = volume === undefined ? all : all.filter((each) => each.volume === volume)
    const endsAtMs = clock.monotonicMs() + MAX_EVICTION_MS
    await evictInRounds(idle, bytes, { mayEvict, evict, isOver: () => clock.monotonicMs() >= endsAtMs })
  }
}
