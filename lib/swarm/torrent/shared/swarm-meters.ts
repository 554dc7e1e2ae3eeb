import type { ReadPriority } from '../../../core/index.ts'
import {
  blobTrafficCounters,
  type Counter,
  type Gauge,
  type Histogram,
  type Metrics,
} from '../../../telemetry/index.ts'
import type { PieceSourceKind } from './pull-summary.ts'

/**
 * Why bytes that came were of no use: another peer gave the block first (`repeat`); it had been given up as late
 * (`late`); the piece was not what its hash says (`bad`); the piece was given up before it was whole (`dropped`).
 */
export type WasteReason = 'repeat' | 'late' | 'bad' | 'dropped'

/** The swarm's metrics, bound once; hot paths touch only these. */
export interface SwarmMeters {
  readonly received: Readonly<Record<PieceSourceKind, Counter>>
  readonly sentToPeers: Counter
  /** Payload bytes that came and were of no use. */
  readonly wasted: Readonly<Record<WasteReason, Counter>>
  /** Requests for a block that another peer was asked for as well: a reader waited for it, or it was the end. */
  readonly repeats: Readonly<Record<'reader' | 'end', Counter>>
  /** What an origin answered to agents that asked for a piece, over the wire and over HTTP. */
  readonly admissions: Readonly<Record<'given' | 'busy', Counter>>
  /** What agents told an origin that they want to be brought first. */
  readonly wants: Readonly<Record<ReadPriority, Counter>>
  readonly badPieces: Counter
  readonly bans: Counter
  readonly connections: Gauge
  readonly torrents: Gauge
  readonly hashSeconds: Histogram
}

/**
 * `shoal_received_bytes_total` and `shoal_sent_bytes_total` are shared with the service: the swarm adds what came from
 * agents (`peer`) and from origins, through the swarm or over HTTP (`origin`), and what went to peers.
 */
export function swarmMeters(metrics: Metrics): SwarmMeters {
  const { received, sent } = blobTrafficCounters(metrics)
  const wasted = metrics.counter(
    { name: 'shoal_swarm_wasted_bytes_total', help: 'Payload bytes received that were of no use, by why.' },
    ['why'],
  )
  const repeats = metrics.counter(
    { name: 'shoal_swarm_repeats_total', help: 'Requests for blocks that another peer was asked for too, by why.' },
    ['why'],
  )
  const admissions = metrics.counter(
    { name: 'shoal_swarm_admission_total', help: 'Requests of agents for pieces of an origin, by answer.' },
    ['answer'],
  )
  const wants = metrics.counter(
    { name: 'shoal_swarm_wants_total', help: 'Messages of agents that say what an origin should bring first.' },
    ['priority'],
  )
  const wanted = (priority: ReadPriority) => wants.with({ priority })
  const origin = received.with({ from: 'origin' })
  return {
    received: { peer: received.with({ from: 'peer' }), origin, http: origin },
    wasted: {
      repeat: wasted.with({ why: 'repeat' }),
      late: wasted.with({ why: 'late' }),
      bad: wasted.with({ why: 'bad' }),
      dropped: wasted.with({ why: 'dropped' }),
    },
    repeats: { reader: repeats.with({ why: 'reader' }), end: repeats.with({ why: 'end' }) },
    admissions: { given: admissions.with({ answer: 'given' }), busy: admissions.with({ answer: 'busy' }) },
    wants: { onDemand: wanted('onDemand'), prefetch: wanted('prefetch'), fill: wanted('fill') },
    sentToPeers: sent.with({ to: 'peer' }),
    badPieces: metrics
      .counter({ name: 'shoal_swarm_bad_pieces_total', help: 'Pieces that did not match their hash.' })
      .with({}),
    bans: metrics.counter({ name: 'shoal_swarm_bans_total', help: 'Peers banned for sending wrong bytes.' }).with({}),
    connections: metrics
      .gauge({ name: 'shoal_swarm_connections', help: 'Open connections to peers, of all torrents.' })
      .with({}),
    torrents: metrics
      .gauge({ name: 'shoal_swarm_torrents', help: 'Torrents being pulled or with open connections.' })
      .with({}),
    hashSeconds: metrics
      .histogram({
        name: 'shoal_swarm_piece_hash_seconds',
        help: 'Time to hash one piece.',
        buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05],
      })
      .with({}),
  }
}
