import prom from 'prom-client'
import { type Exemplars, exemplars, OPENMETRICS } from './exemplars.ts'
import { familyTable } from './family-table.ts'
import type { Counter, Family, Gauge, Histogram, Labels, MetricInit, Metrics } from './metrics.ts'
import { registerProcessMetrics } from './process-metrics.ts'

export interface PrometheusMetricsInit {
  /**
   * Adds memory, CPU time and event loop lag of the process; enable it for one instance in a process. Default false.
   */
  readonly process?: boolean
  /** Keeps the last trace of each bucket of a histogram, for scrapers of OpenMetrics. Default false. */
  readonly exemplars?: boolean
}

/** Metrics in their own registry; instances share nothing. */
export function prometheusMetrics(init: PrometheusMetricsInit = {}): Metrics {
  const registry = new prom.Registry()
  const table = familyTable()
  const traced = init.exemplars === true ? exemplars(() => Date.now()) : undefined
  if (init.process === true) registerProcessMetrics(registry)

  const configOf = <L extends string>(metric: MetricInit, labels: readonly L[]) => ({
    name: metric.name,
    help: metric.help,
    labelNames: [...labels],
    registers: [registry],
  })

  return {
    counter<L extends string>(metric: MetricInit, labels: readonly L[] = []): Family<Counter, L> {
      return table.get('counter', metric.name, labels, () => {
        const counter = new prom.Counter(configOf(metric, labels))
        if (labels.length === 0) counter.inc(0)
        return {
          with(values: Labels<L>) {
            const child = labels.length === 0 ? counter : counter.labels(values)
            return { add: (value = 1) => child.inc(value) }
          },
          drop: (values) => counter.remove(values),
        }
      })
    },
    gauge<L extends string>(metric: MetricInit, labels: readonly L[] = []): Family<Gauge, L> {
      return table.get('gauge', metric.name, labels, () => {
        const gauge = new prom.Gauge(configOf(metric, labels))
        return {
          with(values: Labels<L>) {
            const child = labels.length === 0 ? gauge : gauge.labels(values)
            return { set: (value: number) => child.set(value), add: (value: number) => child.inc(value) }
          },
          drop: (values) => gauge.remove(values),
        }
      })
    },
    histogram<L extends string>(
      metric: MetricInit & { readonly buckets: readonly number[] },
      labels: readonly L[] = [],
    ): Family<Histogram, L> {
      return table.get('histogram', metric.name, labels, () => {
        const histogram = new prom.Histogram({ ...configOf(metric, labels), buckets: [...metric.buckets] })
        return histogramFamily(histogram, metric, traced)
      })
    },
    async expose(accept = '') {
      const text = await registry.metrics()
      if (traced === undefined || !accept.includes('application/openmetrics-text'))
        return { contentType: registry.contentType, text }
      return { contentType: OPENMETRICS, text: traced.added(text) }
    },
  }
}

function histogramFamily<L extends string>(
  histogram: prom.Histogram<L>,
  { name, buckets }: MetricInit & { readonly buckets: readonly number[] },
  traced: Exemplars | undefined,
): Family<Histogram, L> {
  return {
    with(labels: Labels<L>) {
      const child = Object.keys(labels).length === 0 ? histogram : histogram.labels(labels)
      return {
        observe(value, traceId) {
          child.observe(value)
          if (traceId !== undefined) traced?.note({ name, labels, buckets }, value, traceId)
        },
      }
    },
    drop: (labels) => histogram.remove(labels),
  }
}
