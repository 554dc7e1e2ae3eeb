import { type Rounds, rounds } from '../../base/index.ts'
import type { Metrics } from '../../telemetry/index.ts'
import { type Scrub, type ScrubComponents, type ScrubInit, scrub } from './scrub.ts'
import { scrubMetrics } from './scrub-metrics.ts'

export interface ScrubRoundsComponents extends Omit<ScrubComponents, 'onVerified'> {
  readonly metrics: Metrics
}

/** Scrubs while it runs: whenever a blob is due, and on request. */
export interface ScrubRounds extends Rounds {
  readonly scrub: Scrub
}

const RETRY_MS = 60_000

export function scrubRounds(components: ScrubRoundsComponents, init: ScrubInit): ScrubRounds {
  const { clock, logger, metrics } = components
  const scrubbing = scrub({ ...components, onVerified: scrubMetrics(metrics) }, init)
  const repeated = rounds(clock, {
    work: (signal) => scrubbing.round({ signal }),
    onFailure: (err) => logger.error('failed to verify stored blobs', { err }),
    retryMs: RETRY_MS,
  })
  return { ...repeated, scrub: scrubbing }
}
