import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Socket, Server as TcpServer } from 'node:net'
import {
  type AppError,
  abortController,
  appError,
  type BalancerTrust,
  type Clock,
  hasCode,
  type Random,
  type Startable,
} from '../base/index.ts'
import type { Authenticate, Identify } from '../identity/index.ts'
import { auditTrail, type Logger, type Metrics, type Tracer } from '../telemetry/index.ts'
import { type Accepted, acceptedConnections } from './accepted.ts'
import { type BodyBudget, bodyBudgets } from './body-budget.ts'
import { type ConnectionSlots, connectionSlots } from './connection-slots.ts'
import { type DoorInit, door } from './door.ts'
import type { Envelope } from './error-envelope.ts'
import type { Forward } from './forward/forward.ts'
import { type InnerConnections, innerConnections, servedBy } from './inner-connections.ts'
import { type Lingering, lingering } from './lingering.ts'
import { hostInUrl, listen } from './listen.ts'
import { type ListenerLimit, type LoadLimits, limitRefusals, loadGates } from './load.ts'
import { oddRequests } from './odd-requests.ts'
import { type ProxyStage, proxyStage } from './proxy-stage.ts'
import type { Route } from './route.ts'
import { type Dispatch, type RoutingComponents, routing } from './routing.ts'
import { type StuckReaders, stuckReaders } from './stuck-readers.ts'
import { type ListenerTls, tlsStage } from './tls-stage.ts'
import { tracedVisits } from './traced-visits.ts'
import { dropUnread } from './unread-body.ts'
import { type Visits, visits } from './visit.ts'

export interface HttpServerComponents {
  readonly logger: Logger
  readonly metrics: Metrics
  readonly clock: Clock
  readonly random: Random
  /** Knows who shows a secret. */
  readonly authenticate: Authenticate
  /** Knows more callers, for the routes of the listener; default: the same. */
  readonly identify?: Identify | undefined
  /** Default: no request belongs to a trace. */
  readonly tracer?: Tracer | undefined
}

export interface BindAddress {
  readonly host: string
  /** 0 means any free port. */
  readonly port: number
}

export interface HttpServerInit {
  /** Name of this listener in its service, e.g. `registry` or `ops`; used in logs and metrics. */
  readonly name: string
  readonly bind: BindAddress
  readonly routes: readonly Route[]
  /** Default `own`. */
  readonly envelope?: Envelope
  /**
   * Names of the listener besides loopback and its bind, as `door` takes them; a request for another host is refused.
   * Default none.
   */
  readonly hosts?: DoorInit['hosts']
  /** Paths to which pages of other sites may lead a browser, as `door` takes them. Default none. */
  readonly pages?: DoorInit['pages']
  /** Most connections; beyond it the one that is idle for the longest time is closed. Default any number. */
  readonly maxConnections?: number
  /** Share of them that one address may have, unless it is one of this machine. Default all. */
  readonly addressShare?: number
  /** Limits of what keeps connections busy; default none. */
  readonly load?: LoadLimits | undefined
  /** What the bodies that come in may hold in memory; default: a budget of its own. */
  readonly bodies?: BodyBudget
  /**
   * Clients are to go elsewhere: while it is so, every answer tells its client that the connection will be closed. What is
   * asked for is served all the same. Default: never.
   */
  readonly leaving?: (() => boolean) | undefined
  /** How long `stop` waits for answers under way; default 10 s. */
  readonly drainMs?: number
  /** A connection without traffic for this long is closed, even within a request; default 15 min. */
  readonly idleMs?: number
  /** Default: it speaks no TLS. */
  readonly tls?: ListenerTls | undefined
  /** It stands behind balancers, which say where connections come from; default: it does not. */
  readonly balancers?: BalancerTrust | undefined
  /** Takes what is for hosts elsewhere, and CONNECT; default: it is no proxy. */
  readonly forward?: Forward | undefined
}

export interface HttpServer extends Startable {
  /** @throws PORT_IN_USE naming the address */
  start(): Promise<void>
  /** Accepts no new requests, finishes running ones within `drainMs`, then cuts them. */
  stop(): Promise<void>
  /** The address it listens on; before `start`, the configured address. */
  readonly address: BindAddress
  /** Base URL without a trailing slash. */
  readonly url: string
}

const HEADERS_TIMEOUT_MS = 80_000
/** A header with 1,024 ranges takes 23 KB; by default Node refuses more than 16 KiB with 431. */
const MAX_HEAD_BYTES = 64 * 1024
const KEEP_ALIVE_MS = 75_000
const DEFAULT_DRAIN_MS = 10_000
const DEFAULT_IDLE_MS = 15 * 60_000
/** After the drain time handlers have this long to react to the abort; then their connections are cut. */
const GRACE_MS = 1_000

interface Running {
  readonly server: Server
  readonly inner: InnerConnections | undefined
  readonly underWay: Visits
  readonly connections: Lingering
  readonly stage: ProxyStage
  readonly accepted: Accepted
}

/** For Node a connection is idle although the end of its answer still waits for a slow client. */
const closeIdle = ({ server, inner, underWay }: Pick<Running, 'server' | 'inner' | 'underWay'>) => {
  if (underWay.flushing()) return
  server.closeIdleConnections()
  inner?.closeIdle()
}

interface Parts extends Pick<HttpServerComponents, 'clock' | 'logger' | 'metrics'> {
  readonly dispatch: Dispatch
  readonly underWay: Visits
  readonly readers: StuckReaders
  readonly slots: ConnectionSlots
}

type Take = (req: IncomingMessage, res: ServerResponse, refused?: AppError) => void

/** A server that hands over what its connections ask for, within the times that hold for all of them. */
const newServer = ({ idleMs = DEFAULT_IDLE_MS }: HttpServerInit, take: Take): Server => {
  const server = createServer({
    ...{ noDelay: true, keepAlive: true, requireHostHeader: false },
    maxHeaderSize: MAX_HEAD_BYTES,
  })
  server.on('request', (req, res) => take(req, res))
  server.on('checkExpectation', (req, res) => take(req, res, appError('EXPECTATION_FAILED')))
  server.requestTimeout = 0
  server.headersTimeout = HEADERS_TIMEOUT_MS
  server.keepAliveTimeout = KEEP_ALIVE_MS
  server.timeout = idleMs
  return server
}

const configured = (parts: Parts, init: HttpServerInit): Running => {
  const { clock, dispatch, underWay, readers, slots } = parts
  const connections = lingering(clock)
  const carrierOf = (socket: Socket) => stage.carrierOf(inner?.carrierOf(socket) ?? socket)
  const answer: Take = (req, res, refused) => {
    const visit = underWay.open(req, res)
    readers.watch(res)
    const release = slots.use(carrierOf(req.socket))
    visit.holds(() => {
      readers.unwatch(res)
      release()
      if (!server.listening) closeIdle({ server, inner, underWay })
    })
    dispatch(req, res, visit, refused)
  }
  const take: Take = (req, res, refused) => {
    dropUnread(clock, connections, req, res)
    const refusal = stage.refusalOf(req.socket)
    if (refusal !== undefined) res.shouldKeepAlive = false
    answer(req, res, refusal ?? refused)
  }
  const onConnection = (socket: Socket) => socket.once('close', () => underWay.gone(socket))
  const odd = { connections, refuse: answer, settle: underWay.settle }
  const connect: Take | undefined = init.forward && ((req, res) => answer(req, res, stage.refusalOf(req.socket)))

  const server = newServer(init, take)
  const stage = tlsStage(parts, server, { name: init.name, tls: init.tls, onConnection })
  server.on('connection', (socket) => slots.add(socket))
  oddRequests(server, { ...odd, connect })
  const inside = init.forward && newServer(init, take).on('connection', onConnection)
  if (inside !== undefined) oddRequests(inside, { ...odd, connect: answer, upgrade: answer })
  const inner = inside && innerConnections(inside)
  const proxied = proxyStage(parts, server, { name: init.name, balancers: init.balancers })
  return { server, inner, underWay, connections, stage: proxied, accepted: acceptedConnections(server) }
}

type OnLimit = (limit: ListenerLimit) => void

const limitCounter = (metrics: Metrics, listener: string): OnLimit => {
  const limited = limitRefusals(metrics)
  return (limit) => limited.with({ listener, limit }).add()
}

/** From the arrival of a request to its answer. */
const dispatchOf = (
  components: HttpServerComponents & Pick<RoutingComponents, 'audit' | 'serveInside'>,
  init: HttpServerInit,
  onLimit: OnLimit,
): Dispatch => {
  const { clock, logger, audit, authenticate, serveInside } = components
  const identify: Identify = components.identify ?? (async (req) => authenticate(req))
  return routing(
    {
      ...{ logger, audit, identify, clock },
      bodies: init.bodies ?? bodyBudgets(components).of(init.name),
      door: door(authenticate, { bind: init.bind.host, hosts: init.hosts ?? [], pages: init.pages }),
      enterLoad: loadGates({ clock, onRefused: onLimit }, init.load),
      ...{ forward: init.forward, serveInside },
      traced: tracedVisits(components.tracer, { listener: init.name, envelope: init.envelope ?? 'own' }),
      onFailure: (err) => {
        if (hasCode(err, 'BODY_TOO_SLOW')) onLimit('slow_body')
        if (hasCode(err, 'HEAD_TOO_SLOW')) onLimit('slow_head')
      },
    },
    { routes: init.routes, envelope: init.envelope ?? 'own' },
  )
}

/** What ends connections that only cost. */
const connectionGuards = (
  { clock, logger }: Pick<HttpServerComponents, 'clock' | 'logger'>,
  { maxConnections: max = Number.POSITIVE_INFINITY, addressShare = 1 }: HttpServerInit,
  onLimit: OnLimit,
): Pick<Parts, 'readers' | 'slots'> => ({
  slots: connectionSlots({ max, addressShare }, onLimit),
  readers: stuckReaders(clock, (res) => {
    onLimit('slow_reader')
    logger.debug('cut an answer that its client does not read')
    res.destroy()
  }),
})

/** One HTTP/1.1 listener that serves a routing table. */
export function httpServer(components: HttpServerComponents, init: HttpServerInit): HttpServer {
  const logger = components.logger.child({ listener: init.name })
  const onLimit = limitCounter(components.metrics, init.name)
  const audit = auditTrail({ ...components, logger })
  let running: Running | undefined
  const serveInside = servedBy(() => running?.inner)
  const dispatch = dispatchOf({ ...components, logger, audit, serveInside }, init, onLimit)

  const drain = async (closing: Running) => {
    const { server, inner, underWay, connections } = closing
    underWay.closeConnections()
    closing.stage.cut()
    // The `close` of a server for HTTP would also cut what `closeIdle` spares.
    TcpServer.prototype.close.call(server)
    closeIdle(closing)
    const within = async (limitMs: number) => {
      const over = abortController()
      const limit = components.clock.sleep(limitMs, { signal: over.signal }).catch(() => undefined)
      await Promise.race([underWay.idle(), limit])
      over.abort()
    }
    await within(init.drainMs ?? DEFAULT_DRAIN_MS)
    underWay.abortAll()
    await within(GRACE_MS)
    server.closeAllConnections()
    inner?.closeAll()
    connections.cut()
    closing.accepted.cut()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }

  const addressNow = (): BindAddress => {
    const bound = running?.server.address()
    return typeof bound === 'object' && bound !== null ? { host: init.bind.host, port: bound.port } : init.bind
  }
  const scheme = init.tls === undefined || init.tls.plainToo ? 'http' : 'https'
  const urlNow = () => `${scheme}://${hostInUrl(init.bind.host)}:${addressNow().port}`

  return {
    async start() {
      if (running !== undefined) return
      const { name: listener, leaving = () => false } = init
      const underWay = visits({ ...components, logger }, { listener, leaving })
      const guards = connectionGuards({ ...components, logger }, init, onLimit)
      const started = configured({ ...components, logger, dispatch, underWay, ...guards }, init)
      await listen(started.server, init.bind)
      started.server.on('error', (err) => logger.error('listener failed', { err }))
      running = started
      logger.info('listening', { url: urlNow() })
    },
    async stop() {
      const closing = running
      running = undefined
      if (closing !== undefined) await drain(closing)
      audit.flush()
    },
    get address() {
      return addressNow()
    },
    get url() {
      return urlNow()
    },
  }
}
