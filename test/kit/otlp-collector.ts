import type { ServerResponse } from 'node:http'
import { type ScriptedServer, scriptedServer } from './scripted-server.ts'

type Value = string | number | boolean

/** A span as a collector got it, with its service. */
export interface CollectedSpan {
  readonly service: string
  readonly traceId: string
  readonly spanId: string
  /** Empty for the first span of a trace. */
  readonly parentSpanId: string
  readonly name: string
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number
  /** Milliseconds since the epoch. */
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Readonly<Record<string, Value>>
  readonly events: readonly { readonly name: string; readonly attributes: Readonly<Record<string, Value>> }[]
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  /** It has failed. */
  readonly failed: boolean
}

/** A collector of OpenTelemetry for traces over HTTP, in their JSON form. */
export interface OtlpCollector extends AsyncDisposable {
  /** What a service has as `tracing.endpoint`. */
  readonly endpoint: string
  readonly requests: ScriptedServer['requests']
  readonly spans: readonly CollectedSpan[]
  /** Resolves with all spans so far, once they satisfy `enough`. */
  until(enough: (spans: readonly CollectedSpan[]) => boolean): Promise<readonly CollectedSpan[]>
  /** Cuts every connection and refuses new ones. */
  kill(): Promise<void>
}

interface AnyValue {
  readonly stringValue?: string
  readonly intValue?: string
  readonly doubleValue?: number
  readonly boolValue?: boolean
}
type KeyValues = readonly { readonly key: string; readonly value: AnyValue }[]

interface RawSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: KeyValues
  readonly events: readonly { readonly name: string; readonly timeUnixNano: string; readonly attributes: KeyValues }[]
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly status: { readonly code?: number }
}

interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: KeyValues }
    readonly scopeSpans: readonly { readonly spans: readonly RawSpan[] }[]
  }[]
}

const FAILED = 2

const plain = ({ stringValue, intValue, doubleValue, boolValue }: AnyValue): Value => {
  const value = stringValue ?? (intValue === undefined ? undefined : Number(intValue)) ?? doubleValue ?? boolValue
  if (value === undefined) throw new Error('an attribute has no value')
  return value
}

const table = (pairs: KeyValues) => Object.fromEntries(pairs.map(({ key, value }) => [key, plain(value)]))

/** @throws when a field has not the form of the standard */
function milliseconds(nanoseconds: string): number {
  if (!/^\d{19}$/.test(nanoseconds)) throw new Error(`${nanoseconds} is no time of our days in nanoseconds`)
  return Number(BigInt(nanoseconds) / 1000n) / 1000
}

function collected(service: string, span: RawSpan): CollectedSpan {
  if (!/^[0-9a-f]{32}$/.test(span.traceId) || !/^[0-9a-f]{16}$/.test(span.spanId)) throw new Error('a malformed id')
  const { traceId, spanId, name, kind } = span
  return {
    ...{ service, traceId, spanId, name, kind, parentSpanId: span.parentSpanId ?? '' },
    startMs: milliseconds(span.startTimeUnixNano),
    endMs: milliseconds(span.endTimeUnixNano),
    attributes: table(span.attributes),
    events: span.events.map((event) => ({ name: event.name, attributes: table(event.attributes) })),
    links: span.links ?? [],
    failed: span.status.code === FAILED,
  }
}

/** The spans of one body. @throws when it has not the form of the standard */
export function spansIn(body: Buffer): readonly CollectedSpan[] {
  const { resourceSpans } = JSON.parse(body.toString('utf8')) as ExportRequest
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => collected(String(table(resource.attributes)['service.name']), span)),
    ),
  )
}

/** `answer` takes the place of the usual one where it returns true: then the spans do not count as taken. */
export async function otlpCollector(answer: (res: ServerResponse) => boolean = () => false): Promise<OtlpCollector> {
  const spans: CollectedSpan[] = []
  const waiting = new Set<() => void>()
  const server = await scriptedServer(({ method, url, headers, body }, res) => {
    const isExport = method === 'POST' && url === '/v1/traces' && headers['content-type'] === 'application/json'
    if (!isExport) {
      res.writeHead(400).end()
      return
    }
    const came = spansIn(body)
    if (answer(res)) return
    spans.push(...came)
    for (const look of waiting) look()
    res.writeHead(200, { 'content-type': 'application/json' }).end('{"partialSuccess":{}}')
  })
  return {
    ...server,
    endpoint: `${server.url}/v1/traces`,
    requests: server.requests,
    spans,
    until: (enough) =>
      new Promise((resolve) => {
        const look = () => {
          if (!enough(spans)) return
          waiting.delete(look)
          resolve(spans)
        }
        waiting.add(look)
        look()
      }),
  }
}
