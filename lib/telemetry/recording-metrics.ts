import { familyTable } from './family-table.ts'
import type { Labels, MetricInit, Metrics } from './metrics.ts'

export interface RecordingMetrics extends Metrics {
  /** Value of a counter or gauge, or number of observations of a histogram; 0 when nothing was recorded. */
  value(name: string, labels?: Readonly<Record<string, string>>): number
  /** The observations of a histogram, oldest first. */
  observations(name: string, labels?: Readonly<Record<string, string>>): readonly number[]
  /** Names of all metrics that were asked for, sorted. */
  readonly names: readonly string[]
}

const keyOf = (name: string, labels: Readonly<Record<string, string>>) =>
  JSON.stringify([name, ...Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))])

/** Metrics whose values can be read back, for tests. */
export function recordingMetrics(): RecordingMetrics {
  const values = new Map<string, number>()
  const observed = new Map<string, number[]>()
  const names = new Set<string>()
  const table = familyTable()
  const forget = (name: string) => (labels: Labels<string>) => {
    const key = keyOf(name, labels)
    values.delete(key)
    observed.delete(key)
  }
  const adder = (key: string) => (value: number) => void values.set(key, (values.get(key) ?? 0) + value)

  return {
    counter: (metric, labels = []) =>
      table.get('counter', metric.name, labels, () => {
        names.add(metric.name)
        return {
          with(own: Labels<string>) {
            const add = adder(keyOf(metric.name, own))
            return { add: (value = 1) => add(value) }
          },
          drop: forget(metric.name),
        }
      }),
    gauge: (metric, labels = []) =>
      table.get('gauge', metric.name, labels, () => {
        names.add(metric.name)
        return {
          with(own: Labels<string>) {
            const key = keyOf(metric.name, own)
            return { set: (value: number) => void values.set(key, value), add: adder(key) }
          },
          drop: forget(metric.name),
        }
      }),
    histogram: (metric: MetricInit, labels = []) =>
      table.get('histogram', metric.name, labels, () => {
        names.add(metric.name)
        return {
          with(own: Labels<string>) {
            const key = keyOf(metric.name, own)
            const list = observed.get(key) ?? []
            observed.set(key, list)
            return { observe: (value: number) => void list.push(value) }
          },
          drop: forget(metric.name),
        }
      }),
    expose: () => Promise.resolve({ contentType: 'text/plain', text: '' }),
    value: (name, labels = {}) => values.get(keyOf(name, labels)) ?? observed.get(keyOf(name, labels))?.length ?? 0,
    observations: (name, labels = {}) => observed.get(keyOf(name, labels)) ?? [],
    get names() {
      return [...names].sort()
    },
  }
}
