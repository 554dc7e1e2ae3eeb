import type { Attributes, AttributeValue, SpanEvent, SpanKind, SpanRecord } from './span.ts'

/** What all spans of a batch have in common: who made them. */
export interface TraceResource {
  /** `service.name`, such as `shoal-origin`. */
  readonly service: string
  /** `service.instance.id`: tells processes of one service apart. */
  readonly instance: string
  /** `host.name`: of the machine or the pod. */
  readonly host: string
}

/** Numbers of `Span.SpanKind` and of `Status.StatusCode` in opentelemetry/proto/trace/v1/trace.proto. */
const KINDS: Readonly<Record<SpanKind, number>> = { internal: 1, server: 2, client: 3 }
const FAILED = 2
const SAMPLED = 1

/** 64-bit numbers are text in the JSON form of protobuf. */
const nanoseconds = (ms: number) => `${Math.round(ms * 1000)}000`

const anyValue = (value: AttributeValue) => {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}

const attributesOf = (attributes: Attributes) =>
  Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value: anyValue(value) }]))

const eventOf = ({ name, atMs, attributes }: SpanEvent) => ({
  ...{ name, timeUnixNano: nanoseconds(atMs), attributes: attributesOf(attributes) },
})

const spanOf = ({ context, parentId, link, failure, ...span }: SpanRecord) => ({
  traceId: context.traceId,
  spanId: context.spanId,
  ...(context.state !== undefined && { traceState: context.state }),
  ...(parentId !== undefined && { parentSpanId: parentId }),
  flags: SAMPLED,
  name: span.name,
  kind: KINDS[span.kind],
  startTimeUnixNano: nanoseconds(span.startMs),
  endTimeUnixNano: nanoseconds(span.endMs),
  attributes: attributesOf(failure === undefined ? span.attributes : { ...span.attributes, 'error.type': failure }),
  events: span.events.map(eventOf),
  ...(link !== undefined && { links: [{ traceId: link.traceId, spanId: link.spanId }] }),
  status: failure === undefined ? {} : { code: FAILED },
})

/** The body of an export over HTTP: `ExportTraceServiceRequest` of OTLP 1, in its JSON form. */
export function otlpBody({ service, instance, host }: TraceResource, spans: readonly SpanRecord[]): Uint8Array {
  const attributes = attributesOf({ 'service.name': service, 'service.instance.id': instance, 'host.name': host })
  const scopeSpans = [{ scope: { name: 'shoal' }, spans: spans.map(spanOf) }]
  return Buffer.from(JSON.stringify({ resourceSpans: [{ resource: { attributes }, scopeSpans }] }))
}
