import type { Counter, Gauge, Metrics } from '../../../lib/telemetry/index.ts'
import type { Resource } from './resource.ts'

/** What is measured of the objects of one kind. */
export interface WatchMeters {
  readonly objects: Gauge
  readonly fresh: Gauge
  readonly lists: Counter
  readonly failures: Counter
}

/** What is measured of the objects of one kind. */
export function watchMeters(metrics: Metrics, { plural: resource }: Resource): WatchMeters {
  const { objects, fresh, lists, failures } = registerWatchMetrics(metrics)
  const labels = { resource }
  return {
    ...{ objects: objects.with(labels), fresh: fresh.with(labels) },
    ...{ lists: lists.with(labels), failures: failures.with(labels) },
  }
}

/** The metrics of all watches of a process; they are there before the first watch is. */
export function registerWatchMetrics(metrics: Metrics) {
  const gauge = (name: string, help: string) => metrics.gauge({ name, help }, ['resource'])
  const counter = (name: string, help: string) => metrics.counter({ name, help }, ['resource'])
  return {
    objects: gauge('shoal_kube_objects', 'Objects of the cluster that are known, by their kind.'),
    fresh: gauge(
      'shoal_kube_fresh',
      '1 while the API server tells of changes; 0: what is known is what was known last.',
    ),
    lists: counter(
      'shoal_kube_lists_total',
      'Lists of all objects of a kind: one at the start, others when a watch is too old.',
    ),
    failures: counter('shoal_kube_watch_failures_total', 'Lists and watches that failed; they are tried again.'),
  }
}
