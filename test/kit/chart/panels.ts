/** What one panel shows: lines, each a query and what it is called. */
export interface Panel {
  readonly title: string
  /** A unit of Grafana. */
  readonly unit: 'Bps' | 'bytes' | 'reqps' | 'short' | 's' | 'percentunit' | 'ops'
  readonly lines: readonly (readonly [legend: string, query: string])[]
  readonly description?: string
}

export interface Dashboard {
  readonly title: string
  readonly panels: readonly Panel[]
}

const IN = 'namespace=~"$namespace"'
const WINDOW = '[$__rate_interval]'

/** Selector of a metric within the namespaces that are looked at. */
export const at = (metric: string, labels = '') => `${metric}{${IN}${labels === '' ? '' : `, ${labels}`}}`
export const rate = (metric: string, labels?: string) => `rate(${at(metric, labels)}${WINDOW})`
export const by = (labels: string, inner: string) => `sum by (${labels}) (${inner})`
export const total = (inner: string) => `sum(${inner})`
export const quantile = (share: number, labels: string) =>
  `histogram_quantile(${share}, sum by (le) (${rate('shoal_http_request_seconds_bucket', labels)}))`

export const answers = (listener: string): Panel => ({
  title: `Answers at ${listener}`,
  unit: 'reqps',
  lines: [['{{status}}', by('status', rate('shoal_http_requests_total', `listener="${listener}"`))]],
})

/** Memory, CPU and lag of every process of some components. */
export const processes = (component: string): readonly Panel[] => [
  {
    ...{ title: 'Memory', unit: 'bytes' },
    lines: [['{{pod}}', at('process_resident_memory_bytes', component)]],
  },
  {
    ...{ title: 'Processors', unit: 'short' },
    lines: [['{{pod}}', rate('process_cpu_seconds_total', component)]],
  },
  {
    ...{ title: 'Event loop, 99 of 100', unit: 's' },
    lines: [['{{pod}}', at('nodejs_eventloop_lag_p99_seconds', component)]],
    description: 'Above 0.02 clients notice it.',
  },
]
