export type { LogFields, Logger } from './logger.ts'
export type { Counter, Family, Gauge, Histogram, Labels, MetricInit, Metrics } from './metrics.ts'
