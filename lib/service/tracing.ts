import { hostname } from 'node:os'
import type { Clock, Random, Startable } from '../base/index.ts'
import { type HttpClient, type HttpResponse, httpClient, retryAfterMs } from '../http/index.ts'
import type { TlsIdentity } from '../identity/index.ts'
import {
  type Logger,
  type Metrics,
  RecordingTracer,
  type SendSpans,
  silentTracer,
  spanExporter,
  type Tracer,
  traceSpans,
  type Verdict,
} from '../telemetry/index.ts'
import type { CommonConfig } from './config.ts'

/** Longest answer of a collector that is read: it may say why it rejected spans. */
const MAX_ANSWER_BYTES = 64 * 1024
const ANSWER_MS = 10_000
const CONNECT_MS = 5_000
/** Longest part of the drain time that the last spans have, after all listeners have ended. */
const FLUSH_MS = 2_000
const INSTANCE_BYTES = 8

/** Statuses after which the standard lets a client try again (OTLP 1, "Failures"). */
const passing: readonly number[] = [429, 502, 503, 504]

/** `partialSuccess.rejectedSpans`, a 64-bit number and so text in JSON; 0 unless the answer says otherwise. */
async function rejectedIn(answer: HttpResponse): Promise<number> {
  const body = (await answer.json(MAX_ANSWER_BYTES).catch(() => undefined)) as
    | { readonly partialSuccess?: { readonly rejectedSpans?: unknown } | null }
    | null
    | undefined
  const count = Number(body?.partialSuccess?.rejectedSpans ?? 0)
  return Number.isSafeInteger(count) && count > 0 ? count : 0
}

interface Collector {
  readonly endpoint: string
  readonly headers: Readonly<Record<string, string>>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** Posts to a collector as OTLP over HTTP has it, in JSON. */
function sender(http: Pick<HttpClient, 'request'>, { endpoint, headers, now }: Collector): SendSpans {
  return async (body, { signal }): Promise<Verdict> => {
    const answer = await http.request({
      ...{ method: 'POST', url: endpoint, body, signal, headersTimeoutMs: ANSWER_MS },
      headers: { ...headers, 'content-type': 'application/json' },
    })
    const { status } = answer
    if (status >= 200 && status <= 299) return { kind: 'taken', rejected: await rejectedIn(answer) }
    answer.body.destroy()
    const why = `the collector answered ${status}`
    if (!passing.includes(status)) return { kind: 'refused', why }
    return { kind: 'later', why, afterMs: retryAfterMs(answer.headers['retry-after'], now()) }
  }
}

export interface TracingComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
  readonly tls: TlsIdentity | undefined
}

/** What makes traces, and what brings them to the collector. */
export interface Tracing {
  readonly tracer: Tracer
  /** Started before, and stopped after all that makes spans; undefined while no collector is named. */
  readonly exporter: Startable | undefined
}

/** The traces of a service as its config says: none without `tracing.endpoint`. */
export function serviceTracing(
  runtime: TracingComponents,
  service: string,
  { tracing: { endpoint, ratio, headers }, drain }: Pick<CommonConfig, 'tracing' | 'drain'>,
): Tracing {
  const { clock, random, tls, metrics } = runtime
  if (endpoint === undefined) {
    // Visible as 0.
    traceSpans(metrics)
    return { tracer: silentTracer, exporter: undefined }
  }
  const http = httpClient(
    { clock },
    { connectionsPerOrigin: 1, maxWaiting: 2, connectTimeoutMs: CONNECT_MS, tls, trustsPublic: true },
  )
  const shown = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value()]))
  const instance = Buffer.from(random.bytes(INSTANCE_BYTES)).toString('hex')
  const resource = { service: `shoal-${service}`, instance, host: hostname() }
  const send = sender(http, { endpoint, headers: shown, now: () => clock.now() })
  const exporter = spanExporter({ ...runtime, send }, { resource, flushMs: Math.min(FLUSH_MS, drain) })
  const tracer = new RecordingTracer({ clock, random, onSpan: (record) => exporter.offer(record) }, { ratio })
  return {
    tracer,
    exporter: {
      async start() {
        await http.start()
        await exporter.start()
      },
      async stop() {
        await exporter.stop()
        await http.stop()
        tracer[Symbol.dispose]()
      },
    },
  }
}
