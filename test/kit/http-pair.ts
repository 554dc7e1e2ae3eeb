import { type FakeClock, fakeClock, seededRandom } from '../../lib/base/index.ts'
import {
  type HttpClient,
  type HttpClientInit,
  type HttpServer,
  type HttpServerInit,
  httpClient,
  httpServer,
  type Route,
} from '../../lib/http/index.ts'
import { type Authenticate, secretAuthenticator } from '../../lib/identity/index.ts'
import {
  type RecordingLogger,
  type RecordingMetrics,
  recordingLogger,
  recordingMetrics,
  type Tracer,
} from '../../lib/telemetry/index.ts'

export interface HttpPairInit {
  readonly server?: Partial<HttpServerInit>
  readonly client?: HttpClientInit
  readonly authenticate?: Authenticate
  /** Of the server; made with the clock of the pair. */
  readonly tracer?: (clock: FakeClock) => Tracer
  /** Of the fake clock, epoch milliseconds: for what looks at certificates, whose clients look at the real time. */
  readonly startMs?: number
  /** Makes the server a proxy. */
  readonly forward?: (clock: FakeClock, metrics: RecordingMetrics) => HttpServerInit['forward']
}

/** A server and a client of lib/http over loopback, with one fake clock. */
export interface HttpPair extends AsyncDisposable {
  readonly server: HttpServer
  readonly client: HttpClient
  readonly clock: FakeClock
  readonly logger: RecordingLogger
  readonly metrics: RecordingMetrics
  /** Absolute URL of a path on the server. */
  url(path: string): string
}

/** One route without authorization. */
export function route(methods: Route['methods'], path: string, handle: Route['handle']): Route {
  return { methods, path, right: 'none', summary: 'for a test', handle }
}

export async function httpPair(routes: readonly Route[], init: HttpPairInit = {}): Promise<HttpPair> {
  const clock = fakeClock(init.startMs)
  const logger = recordingLogger()
  const metrics = recordingMetrics()
  const authenticate = init.authenticate ?? secretAuthenticator()
  const server = httpServer(
    { logger, metrics, clock, random: seededRandom(1), authenticate, tracer: init.tracer?.(clock) },
    {
      name: 'test',
      bind: { host: '127.0.0.1', port: 0 },
      routes,
      forward: init.forward?.(clock, metrics),
      ...init.server,
    },
  )
  const client = httpClient({ clock }, init.client)
  await server.start()
  return {
    server,
    client,
    clock,
    logger,
    metrics,
    url: (path) => `${server.url}${path}`,
    async [Symbol.asyncDispose]() {
      await client.stop()
      await server.stop()
    },
  }
}
