import { readFile } from 'node:fs/promises'
import type { LookupFunction } from 'node:net'
import { Readable } from 'node:stream'
import { rootCertificates } from 'node:tls'
import { Agent, buildConnector } from 'undici'
import {
  abortController,
  appError,
  type Clock,
  clientContext,
  type TlsMaterial,
  type TlsTexts,
  WAITS_OF_LIFE,
} from '../base/index.ts'
import type { Tracer } from '../telemetry/index.ts'
import { type Admits, guardedLookup } from './guarded-lookup.ts'
import type { HttpClient, Lane } from './http-client.ts'
import { laneQueue } from './lane-queue.ts'
import { withPausedAnswers } from './paused-answers.ts'
import { rememberedLookup } from './remembered-lookup.ts'
import { tracedRequests } from './traced-requests.ts'
import { exchangeOver } from './undici-exchange.ts'

export interface HttpClientComponents {
  readonly clock: Clock
  /** Finds the addresses of a name; while that gets no answer, those of before count. Default: that of the system. */
  readonly lookup?: LookupFunction
}

export interface HttpClientInit {
  /**
   * Sent as a bearer token with every request without its own `authorization`; only for clients of our own services.
   */
  readonly token?: string | undefined
  /** Connections to one origin in each lane; further requests wait for a free one. Default 64. */
  readonly connectionsPerOrigin?: number | Readonly<Record<Lane, number>>
  /** Requests that may wait for a connection to one origin in a lane; default: any number. */
  readonly maxWaiting?: number
  /** Default 5 s. */
  readonly connectTimeoutMs?: number
  /** Default `shoal`. */
  readonly userAgent?: string
  /** PEM file of certificate authorities that are trusted in addition to those of Node; read by `start`. */
  readonly caFile?: string | undefined
  /** What it shows of itself, and whom alone it trusts; new connections use what is there when they begin. */
  readonly tls?: TlsMaterial | undefined
  /** Beside those of `tls`, the authorities of Node are trusted. Default false. */
  readonly trustsPublic?: boolean | undefined
  /** Which addresses of a name may be connected to. Default: any. */
  readonly admits?: Admits
  /**
   * For a client of our own services alone: each request within a trace is a span of it, and carries it on in its headers.
   * Default: nobody hears of traces.
   */
  readonly tracer?: Tracer
}

const DEFAULT_CONNECTIONS = 64
const DEFAULT_CONNECT_MS = 5_000

/**
 * A client with its own pool of connections. Requests open the sockets; `stop` cuts running requests. Its start fails
 * with CONFIG_INVALID when the certificate file cannot be read.
 */
export function httpClient({ clock, lookup }: HttpClientComponents, init: HttpClientInit = {}): HttpClient {
  const agents = new Map<Lane, Agent>()
  const traced = tracedRequests(init.tracer)
  const found = rememberedLookup(clock, lookup)
  let running = abortController(WAITS_OF_LIFE)
  let authorities: string[] | undefined
  const ownHeaders = {
    'accept-encoding': 'identity',
    'user-agent': init.userAgent ?? 'shoal',
    ...(init.token !== undefined && { authorization: `Bearer ${init.token}` }),
  }
  const connectionsOf = (lane: Lane): number => {
    const { connectionsPerOrigin = DEFAULT_CONNECTIONS } = init
    return typeof connectionsPerOrigin === 'number' ? connectionsPerOrigin : connectionsPerOrigin[lane]
  }
  const pool = (lane: Lane) => {
    const known = agents.get(lane)
    if (known !== undefined) return known
    const agent = new Agent({
      connections: connectionsOf(lane),
      connect: connector(init, {
        timeout: init.connectTimeoutMs ?? DEFAULT_CONNECT_MS,
        ...(authorities !== undefined && { ca: authorities }),
        lookup: guardedLookup(init.admits ?? (() => true), found),
      }),
    })
    agents.set(lane, agent)
    return agent
  }
  const queue = laneQueue((lane) => connectionsOf(lane) + (init.maxWaiting ?? Number.POSITIVE_INFINITY))

  return {
    async request(request) {
      try {
        if (running.signal.aborted) throw appError('ABORTED', { message: 'the http client is stopped' })
        const given = withDefaults(ownHeaders, request.headers)
        const agent = pool(request.lane ?? 'control')
        const { headers, onOver, answered } = traced(request, given, queue(request))
        const means = { agent, clock, stopped: running.signal, onOver }
        return await answered(exchangeOver(means, { ...request, headers }))
      } catch (err) {
        if (request.body instanceof Readable) request.body.on('error', () => undefined).destroy()
        throw err
      }
    },
    async start() {
      if (init.caFile !== undefined) authorities = [...rootCertificates, await pemOf(init.caFile)]
      if (running.signal.aborted) running = abortController(WAITS_OF_LIFE)
    },
    async stop() {
      running.abort()
      const closing = [...agents.values()]
      agents.clear()
      await Promise.all(closing.map((agent) => agent.destroy()))
    },
  }
}

/** Makes connections; it remembers TLS sessions, so another one is made whenever the material has changed. */
function connector(
  { tls, trustsPublic: publicToo }: HttpClientInit,
  options: buildConnector.BuildOptions,
): buildConnector.connector {
  if (tls === undefined) return withPausedAnswers(buildConnector(options))
  let made: { readonly texts: TlsTexts; readonly connect: buildConnector.connector } | undefined
  return withPausedAnswers((...args) => {
    const texts = tls.now
    if (made?.texts !== texts) {
      made = { texts, connect: buildConnector({ ...options, secureContext: clientContext(texts, { publicToo }) }) }
    }
    made.connect(...args)
  })
}

const withDefaults = (defaults: Readonly<Record<string, string>>, given: Readonly<Record<string, string>> = {}) => ({
  ...defaults,
  ...Object.fromEntries(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value])),
})

async function pemOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (err) {
    const message = `the file of certificate authorities cannot be read: ${file}`
    throw appError('CONFIG_INVALID', { message, cause: err })
  }
}
