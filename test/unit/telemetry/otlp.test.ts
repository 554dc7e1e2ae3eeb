import { expect, test } from '@jest/globals'
import { otlpBody, type SpanRecord } from '../../../lib/telemetry/index.ts'

const context = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', isSampled: true }
const link = { traceId: 'cd'.repeat(16), spanId: 'ef'.repeat(8), isSampled: true }

const span: SpanRecord = {
  ...{ context, parentId: '0102030405060708', name: 'backend read', kind: 'client' },
  ...{ startMs: 1_700_000_000_123.25, endMs: 1_700_000_001_000.5, failure: 'BACKEND_THROTTLED', link },
  attributes: { 'shoal.backend.key': 'a/b', 'shoal.bytes': 5, 'shoal.share': 0.5, 'shoal.cut': true, none: undefined },
  events: [{ name: 'answered', atMs: 1_700_000_000_500, attributes: { n: 1 } }],
}

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } })

/**
 * What OpenTelemetry's own exporter (@opentelemetry/otlp-transformer 0.223.0) writes for this span, but for zero counts and empty
 * lists, which mean the same as none, for 64-bit numbers, which the standard has as text, and for a bit of its flags that may be left out.
 */
const theirs = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parentSpanId: '0102030405060708',
  name: 'backend read',
  kind: 3,
  startTimeUnixNano: '1700000000123250000',
  endTimeUnixNano: '1700000001000500000',
  attributes: [
    text('shoal.backend.key', 'a/b'),
    { key: 'shoal.bytes', value: { intValue: '5' } },
    { key: 'shoal.share', value: { doubleValue: 0.5 } },
    { key: 'shoal.cut', value: { boolValue: true } },
    text('error.type', 'BACKEND_THROTTLED'),
  ],
  events: [
    { name: 'answered', timeUnixNano: '1700000000500000000', attributes: [{ key: 'n', value: { intValue: '1' } }] },
  ],
  status: { code: 2 },
  links: [{ traceId: 'cd'.repeat(16), spanId: 'ef'.repeat(8) }],
  flags: 1,
}

test('a span has the form that the exporter of OpenTelemetry gives it', () => {
  const body = otlpBody({ service: 'shoal-origin', instance: 'i', host: 'h' }, [span])
  const attributes = [text('service.name', 'shoal-origin'), text('service.instance.id', 'i'), text('host.name', 'h')]
  expect(JSON.parse(Buffer.from(body).toString('utf8'))).toEqual({
    resourceSpans: [{ resource: { attributes }, scopeSpans: [{ scope: { name: 'shoal' }, spans: [theirs] }] }],
  })
})

test('a span that has not failed, has no parent and no link says nothing of them', () => {
  const plain: SpanRecord = { ...span, parentId: undefined, link: undefined, failure: undefined, events: [] }
  const body = JSON.parse(Buffer.from(otlpBody({ service: 's', instance: 'i', host: 'h' }, [plain])).toString('utf8'))
  const only = body.resourceSpans[0].scopeSpans[0].spans[0] as Record<string, unknown>
  expect(only).toMatchObject({ status: {}, events: [] })
  expect(Object.keys(only).filter((key) => ['parentSpanId', 'links', 'traceState'].includes(key))).toEqual([])
})
