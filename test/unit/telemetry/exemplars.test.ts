import { expect, test } from '@jest/globals'
import { prometheusMetrics } from '../../../lib/telemetry/index.ts'

const ACCEPT = 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3'
const [first, last] = ['ab'.repeat(16), 'cd'.repeat(16)]

function lab() {
  const metrics = prometheusMetrics({ exemplars: true })
  metrics.counter({ name: 'shoal_things_total', help: 'Things.' }, ['kind']).with({ kind: 'a' }).add(2)
  metrics.gauge({ name: 'shoal_level', help: 'Level.' }).with({}).set(7)
  const family = metrics.histogram({ name: 'shoal_took_seconds', help: 'Time.', buckets: [0.1, 1] }, ['route'])
  const took = family.with({ route: '/v2/"*rest' })
  took.observe(0.05)
  took.observe(0.5, first)
  took.observe(0.7, last)
  took.observe(5, first)
  return metrics
}

test('who asks for OpenMetrics is told the last recorded trace of each bucket', async () => {
  const { contentType, text } = await lab().expose(ACCEPT)
  expect(contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
  const at = String.raw`\d{10}(?:\.\d+)?`
  const lines = [
    '# HELP shoal_things Things.',
    '# TYPE shoal_things counter',
    'shoal_things_total{kind="a"} 2',
    '# HELP shoal_level Level.',
    '# TYPE shoal_level gauge',
    'shoal_level 7',
    '# HELP shoal_took_seconds Time.',
    '# TYPE shoal_took_seconds histogram',
    String.raw`shoal_took_seconds_bucket{le="0.1",route="/v2/\"*rest"} 1`,
    String.raw`shoal_took_seconds_bucket{le="1",route="/v2/\"*rest"} 3 # {trace_id="${last}"} 0.7 AT`,
    String.raw`shoal_took_seconds_bucket{le="+Inf",route="/v2/\"*rest"} 4 # {trace_id="${first}"} 5 AT`,
    String.raw`shoal_took_seconds_sum{route="/v2/\"*rest"} 6.25`,
    String.raw`shoal_took_seconds_count{route="/v2/\"*rest"} 4`,
    '# EOF',
    '',
  ]
  expect(text.replaceAll(new RegExp(` ${at}$`, 'gm'), ' AT').split('\n')).toEqual(lines)
})

test.each([
  ['asks for nothing', undefined, true],
  ['asks for the text format', 'text/plain;version=0.0.4', true],
  ['asks where no exemplars are kept', ACCEPT, false],
])('who %s gets the text format of Prometheus', async (_who, accept, isKept) => {
  const metrics = isKept ? lab() : prometheusMetrics()
  metrics.counter({ name: 'shoal_things_total', help: 'Things.' }, ['kind']).with({ kind: 'a' }).add(2)
  const { contentType, text } = await metrics.expose(accept)
  expect(contentType).toContain('text/plain')
  expect(text).toContain('# TYPE shoal_things_total counter')
  expect(text).not.toContain('trace_id')
})
