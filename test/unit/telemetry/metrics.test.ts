import { describe, expect, test } from '@jest/globals'
import { type Metrics, prometheusMetrics, recordingMetrics, silentMetrics } from '../../../lib/telemetry/index.ts'

const bytes = { name: 'shoal_received_bytes_total', help: 'Payload bytes received.' }

describe('prometheusMetrics', () => {
  test('exposes counters, gauges and histograms in the text format', async () => {
    const metrics = prometheusMetrics()
    const received = metrics.counter(bytes, ['from']).with({ from: 'peer' })
    received.add(3)
    received.add()
    const open = metrics.gauge({ name: 'shoal_connections', help: 'Open.' }).with({})
    open.set(5)
    open.add(-2)
    metrics
      .histogram({ name: 'shoal_wait_seconds', help: 'Wait.', buckets: [1, 2] })
      .with({})
      .observe(1.5)
    const { contentType, text } = await metrics.expose()
    expect(contentType).toMatch(/^text\/plain/)
    expect(text).toContain('shoal_received_bytes_total{from="peer"} 4')
    expect(text).toContain('shoal_connections 3')
    expect(text).toContain('shoal_wait_seconds_bucket{le="1"} 0')
    expect(text).toContain('shoal_wait_seconds_bucket{le="2"} 1')
  })

  test('a counter without labels is there from the start, at zero', async () => {
    const metrics = prometheusMetrics()
    metrics.counter({ name: 'shoal_x_total', help: 'X.' })
    expect((await metrics.expose()).text).toContain('shoal_x_total 0')
  })

  test('instances share nothing', async () => {
    const [a, b] = [prometheusMetrics(), prometheusMetrics()]
    a.counter(bytes, ['from']).with({ from: 'peer' }).add(1)
    b.counter(bytes, ['from'])
    expect((await b.expose()).text).not.toContain('from="peer"')
  })

  test('speaks of the process only when asked', async () => {
    expect((await prometheusMetrics().expose()).text).not.toContain('process_')
    const { text } = await prometheusMetrics({ process: true }).expose()
    expect(text).toMatch(/process_resident_memory_bytes \d{6,}/)
    expect(text).toMatch(/process_cpu_seconds_total \d/)
    expect(text).toContain('nodejs_eventloop_lag_max_seconds')
  })
})

describe.each([
  ['prometheusMetrics', () => prometheusMetrics()],
  ['recordingMetrics', () => recordingMetrics()],
] as const)('%s', (_, make: () => Metrics) => {
  test('asking twice for one name gives the same family', () => {
    const metrics = make()
    expect(metrics.counter(bytes, ['from'])).toBe(metrics.counter(bytes, ['from']))
  })

  test('refuses one name for two kinds or with other labels', () => {
    const metrics = make()
    metrics.counter(bytes, ['from'])
    expect(() => metrics.gauge(bytes, ['from'])).toThrow('already a counter')
    expect(() => metrics.counter(bytes)).toThrow('labels (from)')
  })
})

describe('the twins', () => {
  test('the recording metrics can be read back', () => {
    const metrics = recordingMetrics()
    metrics.counter(bytes, ['from', 'via']).with({ from: 'peer', via: 'tcp' }).add(4)
    metrics.gauge({ name: 'shoal_open', help: 'Open.' }).with({}).set(2)
    const waits = metrics.histogram({ name: 'shoal_wait_seconds', help: 'Wait.', buckets: [1] }).with({})
    waits.observe(0.5)
    waits.observe(3)
    expect(metrics.value(bytes.name, { via: 'tcp', from: 'peer' })).toBe(4)
    expect(metrics.value(bytes.name, { via: 'tcp', from: 'backend' })).toBe(0)
    expect(metrics.value('shoal_open')).toBe(2)
    expect(metrics.value('shoal_wait_seconds')).toBe(2)
    expect(metrics.observations('shoal_wait_seconds')).toEqual([0.5, 3])
    expect(metrics.names).toEqual(['shoal_open', bytes.name, 'shoal_wait_seconds'])
  })

  test('the silent metrics take everything and tell nothing', async () => {
    const metrics = silentMetrics()
    metrics.counter(bytes, ['from']).with({ from: 'x' }).add()
    expect((await metrics.expose()).text).toBe('')
  })
})
