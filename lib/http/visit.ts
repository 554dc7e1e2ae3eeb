import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type AppError, abortController, appError, type Clock, type Random } from '../base/index.ts'
import type { Principal } from '../identity/index.ts'
import type { Counter, Histogram, Logger, Metrics, TraceIds } from '../telemetry/index.ts'

/** One request, from its arrival to the end of its answer, whatever the outcome. */
export interface Visit {
  readonly requestId: string
  /** When it arrived, in the clock's monotonic milliseconds. */
  readonly startMs: number
  readonly signal: AbortSignal
  /** Pattern of the matched route; a label of the metrics. */
  route: string
  /** The trace that it belongs to, once a route has asked who is calling. */
  trace?: TraceIds
  /** Of the same trace, if it is recorded. */
  recordedTraceId?: string
  /** Who is calling, once a route has asked. */
  principal?: Principal
  /** The methods that the path supports, collected for a 405 answer. */
  readonly allowed: Set<string>
  /** What is held for it, e.g. a place, is given back by `release` at its end; at once when it has ended already. */
  readonly holds: (release: () => void) => void
}

/** The running requests of one server; counts and logs each one at its end. */
export interface Visits {
  open(req: IncomingMessage, res: ServerResponse): Visit
  /** From now on, every answer that has not begun tells the client that its connection will be closed. */
  closeConnections(): void
  /**
   * Ends what is running on a connection that is closed: an answer that waits behind others would never be told by Node.
   */
  readonly gone: (socket: Socket) => void
  /** Aborts everything that is running. */
  abortAll(): void
  /**
   * Aborts, with `err`, the request of this connection whose body has not come whole. Resolves when nothing is running
   * there any more.
   */
  readonly settle: (socket: Socket, err: AppError) => Promise<void>
  /** True while an answer is complete, but its client has not taken all of it. */
  flushing(): boolean
  /** Resolves when nothing is running. */
  idle(): Promise<void>
}

export interface VisitsComponents {
  readonly logger: Logger
  readonly metrics: Metrics
  readonly clock: Clock
  readonly random: Random
}

const MAX_REQUEST_ID = 64
const ID_BYTES = 8
const IDS_AT_ONCE = 128
const CLIENT_GONE = 499
const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const durationBuckets = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300]

/** New ids; one draw is enough for many, since the system takes as long for a few bytes as for a thousand. */
const newIds = (random: Random): (() => string) => {
  let drawn = Buffer.alloc(0)
  let at = 0
  return () => {
    if (at === drawn.length) {
      drawn = Buffer.from(random.bytes(ID_BYTES * IDS_AT_ONCE))
      at = 0
    }
    at += ID_BYTES
    return drawn.toString('hex', at - ID_BYTES, at)
  }
}

const requestIdOf = (req: IncomingMessage, newId: () => string): string => {
  const given = req.headers['x-request-id']
  if (typeof given === 'string' && given.length <= MAX_REQUEST_ID && /^[\w.:-]+$/.test(given)) return given
  return newId()
}

interface Connections extends Pick<Visits, 'gone' | 'settle'> {
  /** The answer is running on this connection until the result is called. */
  add(socket: Socket, res: ServerResponse): () => void
}

/** The running answers of each connection. */
function byConnection(underWay: ReadonlyMap<ServerResponse, AbortController>): Connections {
  const bySocket = new WeakMap<Socket, Set<ServerResponse>>()
  const on = (socket: Socket) => [...(bySocket.get(socket) ?? [])]
  return {
    add(socket, res) {
      const here = bySocket.get(socket) ?? new Set()
      bySocket.set(socket, here.add(res))
      return () => here.delete(res)
    },
    gone(socket) {
      for (const res of on(socket)) {
        if (res.socket !== null) continue
        res.destroy()
        res.emit('close')
      }
    },
    async settle(socket, err) {
      const here = on(socket)
      // After CONNECT Node does not do this any more.
      socket.on('drain', () => here.find((res) => res.socket === socket)?.emit('drain'))
      const ends = here.map((res) => new Promise<void>((resolve) => res.once('close', resolve)))
      for (const res of here) if (!res.req.complete) underWay.get(res)?.abort(err)
      await Promise.all(ends)
    },
  }
}

/** A new visit, and what ends it. */
function newVisit(own: Pick<Visit, 'requestId' | 'startMs' | 'signal'>): {
  readonly visit: Visit
  readonly end: () => void
} {
  const held: (() => void)[] = []
  let over = false
  const holds = (release: () => void) => {
    if (over) release()
    else held.push(release)
  }
  const end = () => {
    over = true
    for (const release of held) release()
  }
  return { visit: { ...own, route: 'unmatched', allowed: new Set(), holds }, end }
}

/** Counts an answer. What it is counted by has few values, so that the metrics need not be looked up by their labels again. */
function requestMetrics(metrics: Metrics, listener: string) {
  const requests = metrics.counter(
    { name: 'shoal_http_requests_total', help: 'Requests answered, by listener, route pattern, method and status.' },
    ['listener', 'route', 'method', 'status'],
  )
  const seconds = metrics.histogram(
    { name: 'shoal_http_request_seconds', help: 'Time to the end of the answer.', buckets: durationBuckets },
    ['listener', 'route'],
  )
  const known = new Map<string, { readonly count: Counter; readonly took: Histogram }>()
  return ({ route, recordedTraceId }: Visit, method: string, status: number, durationMs: number) => {
    const key = `${status} ${method} ${route}`
    const found = known.get(key) ?? {
      count: requests.with({ listener, route, method, status: String(status) }),
      took: seconds.with({ listener, route }),
    }
    known.set(key, found)
    found.count.add()
    found.took.observe(durationMs / 1000, recordedTraceId)
  }
}

export interface VisitsInit {
  readonly listener: string
  /** Asked at the begin of each visit: while it is so, its answer tells the client that the connection will be closed. */
  readonly leaving: () => boolean
}

export function visits(
  { logger, metrics, clock, random }: VisitsComponents,
  { listener, leaving }: VisitsInit,
): Visits {
  const underWay = new Map<ServerResponse, AbortController>()
  const connections = byConnection(underWay)
  let closing = false
  const waiting = new Set<() => void>()
  const count = requestMetrics(metrics, listener)
  const newId = newIds(random)

  const close = (visit: Visit, req: IncomingMessage, res: ServerResponse) => {
    const durationMs = clock.monotonicMs() - visit.startMs
    const method = knownMethods.has(req.method ?? '') ? (req.method ?? '') : 'other'
    const status = res.headersSent ? res.statusCode : CLIENT_GONE
    const { route, requestId, trace } = visit
    count(visit, method, status, durationMs)
    logger.debug('request ended', {
      method,
      route,
      status,
      whole: res.writableFinished,
      durationMs: Math.round(durationMs),
      requestId,
      ...trace,
    })
  }

  return {
    open(req, res) {
      const controller = abortController()
      const startMs = clock.monotonicMs()
      const { visit, end } = newVisit({ requestId: requestIdOf(req, newId), startMs, signal: controller.signal })
      underWay.set(res, controller)
      visit.holds(connections.add(req.socket, res))
      // Ours and those of a stream that is piped into an answer which waits behind others are a few more than Node expects.
      res.setMaxListeners(20)
      if (closing || leaving()) res.shouldKeepAlive = false
      res.once('close', () => {
        underWay.delete(res)
        if (!res.writableFinished) controller.abort(appError('ABORTED', { message: 'the client disconnected' }))
        close(visit, req, res)
        end()
        if (underWay.size > 0) return
        for (const resolve of waiting) resolve()
        waiting.clear()
      })
      return visit
    },
    closeConnections() {
      closing = true
      for (const res of underWay.keys()) res.shouldKeepAlive = false
    },
    gone: connections.gone,
    settle: connections.settle,
    abortAll() {
      for (const controller of underWay.values()) controller.abort(appError('SHUTTING_DOWN'))
    },
    flushing: () => [...underWay.keys()].some((res) => res.writableEnded && !res.writableFinished),
    idle: () => (underWay.size === 0 ? Promise.resolve() : new Promise((resolve) => waiting.add(resolve))),
  }
}
