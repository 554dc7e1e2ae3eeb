import type { Metrics } from './metrics.ts'

/** Where payload bytes came from: agents, origins, the backend, pushing clients, or the own cache. */
export type ReceivedFrom = 'peer' | 'origin' | 'backend' | 'client' | 'cache'

/** Where payload bytes went: swarm peers, clients, other origins, the backend, or origins of another cluster. */
export type SentTo = 'peer' | 'client' | 'replica' | 'backend' | 'cluster'

/** Counts the payload bytes of blobs that a service receives and sends, each byte once. */
export interface BlobTraffic {
  readonly received: (from: ReceivedFrom, bytes: number) => void
  readonly sent: (to: SentTo, bytes: number) => void
}

/** The two counters themselves, for who binds them to one label each. */
export function blobTrafficCounters(metrics: Metrics) {
  return {
    received: metrics.counter(
      { name: 'shoal_received_bytes_total', help: 'Payload bytes of blobs received, by where they came from.' },
      ['from'],
    ),
    sent: metrics.counter(
      { name: 'shoal_sent_bytes_total', help: 'Payload bytes of blobs sent, by where they went.' },
      ['to'],
    ),
  }
}

export function blobTraffic(metrics: Metrics): BlobTraffic {
  const { received, sent } = blobTrafficCounters(metrics)
  return {
    received: (from, bytes) => received.with({ from }).add(bytes),
    sent: (to, bytes) => sent.with({ to }).add(bytes),
  }
}
