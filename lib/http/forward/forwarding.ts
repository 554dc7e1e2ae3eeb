import type { Socket } from 'node:net'
import { type AppError, appError, hasCode, toAppError } from '../../base/index.ts'
import type { Counter, Family, Metrics } from '../../telemetry/index.ts'
import { clientOf } from '../client-of.ts'
import { fairGate } from '../fair-gate.ts'
import { limitRefusals } from '../load.ts'
import { refusal } from '../refusal.ts'
import type { Exchange } from '../route.ts'
import { type DialComponents, dial, type Terms } from './dial.ts'
import { authorityOf, type ForeignTarget } from './foreign-target.ts'
import type { ServeInside } from './forward.ts'
import { type Inspection, inspect } from './inspect.ts'
import { relay } from './relay.ts'
import { hasPassed, protocolAsked, relayedRequestHeaders } from './relay-headers.ts'
import { splice, tunnel } from './tunnel.ts'

export interface ForwardingComponents extends DialComponents {
  readonly metrics: Metrics
}

export interface ForwardingInit {
  /** Name of the listener, for the metrics. */
  readonly listener: string
  /** Most requests and tunnels at the same time, and the share of them that one client may have. */
  readonly max: number
  readonly clientShare: number
  /** Longest time without a byte in either direction. */
  readonly idleMs: number
  /** Our name in `Via`; another one in each process. */
  readonly via: string
  /** How a host is reached. @throws FORWARD_DENIED, FORWARD_LOOP */
  readonly termsFor: (target: ForeignTarget, exchange: Exchange) => Terms
  /** Headers of the request that stay here, in lower case. */
  readonly dropped: (exchange: Exchange) => readonly string[]
  /** Default: nobody looks into what is encrypted. */
  readonly inspection?: Inspection | undefined
}

/** Carries a request to a host elsewhere, and answers it. */
export type Forwarding = (exchange: Exchange, target: ForeignTarget, serveInside: ServeInside) => Promise<void>

/** Methods that are passed on: not TRACE, which shows what a proxy has added. */
const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT']

const WAITING_SHARE = 0.5
const WAIT_MS = 10_000
const RETRY_AFTER_SECONDS = 5

/** @throws FORWARD_DENIED, FORWARD_LOOP, FORWARD_UNREACHABLE, FORWARD_DISTRUSTED, LISTENER_BUSY, METHOD_NOT_ALLOWED, ABORTED (what it returns) */
export function forwarding(components: ForwardingComponents, init: ForwardingInit): Forwarding {
  const { clock, metrics } = components
  const { idleMs, via, listener } = init
  const limited = limitRefusals(metrics).with({ listener, limit: 'forwards' })
  const gate = fairGate(clock, {
    ...{ max: init.max, clientShare: init.clientShare, waitMs: WAIT_MS },
    maxWaiting: Math.ceil(init.max * WAITING_SHARE),
    refused() {
      limited.add()
      const message = 'too many requests and tunnels to other hosts are under way, of all clients or of this one'
      return refusal(appError('LISTENER_BUSY', { message, detail: { limit: 'forwards' } }), {
        'retry-after': RETRY_AFTER_SECONDS,
      })
    },
  })
  const told = forwardMetrics(metrics)
  const places = insidePlaces()
  const enter = (exchange: Exchange) => places.take(exchange.req.socket) ?? gate.enter(clientOf(exchange.req), exchange)

  const carry = async ({ exchange, target, serveInside }: Carried) => {
    const { req, signal } = exchange
    if (!METHODS.includes(req.method ?? '')) throw appError('METHOD_NOT_ALLOWED')
    if (hasPassed(req, via)) throw appError('FORWARD_LOOP')
    const terms = init.termsFor(target, exchange)
    const { host } = target
    const dialled = () => dial(components, host, { ...terms, signal })
    const carrying = { idleMs, onBytes: told.bytes }
    if (target.scheme === 'tunnel') {
      const { inspection } = init
      const door = inspection?.doorFor(target)
      if (inspection === undefined || door === undefined) return tunnel(clock, exchange, await dialled(), carrying)
      return inspect(exchange, {
        ...{ target, door, inspection },
        serveInside(socket, carrier) {
          places.open(socket)
          return serveInside(socket, carrier)
        },
        onPlain: async (client) => splice(clock, { client, remote: await dialled(), signal }, carrying),
      })
    }
    const protocol = places.isInside(req.socket) ? protocolAsked(req) : undefined
    const authority = authorityOf({ host, port: terms.port }, terms.secure ? 'https' : 'http')
    const headers = relayedRequestHeaders(req, { authority, via, dropped: init.dropped(exchange), protocol })
    return relay(clock, exchange, await dialled(), { ...carrying, headers, path: target.path, via, protocol })
  }

  return async (exchange, target, serveInside) => {
    const way = target.scheme === 'tunnel' ? 'tunnel' : 'relay'
    const end = told.begin(way)
    try {
      const leave = await enter(exchange)
      await carry({ exchange, target, serveInside }).finally(leave)
      end('done')
    } catch (err) {
      end(outcomeOf(toAppError(err)))
      throw err
    }
  }
}

interface Carried {
  readonly exchange: Exchange
  readonly target: ForeignTarget
  readonly serveInside: ServeInside
}

/**
 * Connections inside of tunnels that have a place. One request at a time goes out of each without a place of its own: if it
 * needed one, tunnels could have all places and wait for more.
 */
function insidePlaces() {
  const free = new WeakMap<Socket, boolean>()
  return {
    open: (socket: Socket) => void free.set(socket, true),
    isInside: (socket: Socket) => free.has(socket),
    take(socket: Socket): (() => void) | undefined {
      if (free.get(socket) !== true) return undefined
      free.set(socket, false)
      return () => void free.set(socket, true)
    },
  }
}

type Outcome = 'done' | 'denied' | 'failed' | 'left'

function outcomeOf(err: AppError): Outcome {
  if (hasCode(err, 'ABORTED')) return 'left'
  return err.status < 500 || hasCode(err, 'FORWARD_LOOP') ? 'denied' : 'failed'
}

/** Requests that name a host elsewhere: `mirror` are those that became pulls from the cluster. */
export function forwardsTotal(metrics: Metrics): Family<Counter, 'way' | 'outcome'> {
  const help = 'Requests for hosts elsewhere, by where they went (relay, tunnel, mirror) and what became of them.'
  return metrics.counter({ name: 'shoal_forwards_total', help }, ['way', 'outcome'])
}

function forwardMetrics(metrics: Metrics) {
  const total = forwardsTotal(metrics)
  const open = metrics.gauge({ name: 'shoal_forwards_open', help: 'Those under way, and open tunnels.' }, ['way'])
  const bytesHelp = 'Bytes that went to hosts elsewhere and came from there, without heads.'
  const bytes = metrics.counter({ name: 'shoal_forward_bytes_total', help: bytesHelp }, ['direction'])
  const byDirection = { sent: bytes.with({ direction: 'sent' }), received: bytes.with({ direction: 'received' }) }
  const running = { relay: 0, tunnel: 0 }
  const change = (way: keyof typeof running, by: number) => {
    running[way] += by
    open.with({ way }).set(running[way])
  }
  return {
    bytes: (direction: keyof typeof byDirection, count: number) => byDirection[direction].add(count),
    begin(way: keyof typeof running) {
      change(way, 1)
      return (outcome: Outcome) => {
        change(way, -1)
        total.with({ way, outcome }).add()
      }
    },
  }
}
