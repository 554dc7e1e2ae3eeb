import { type AppError, appError, hasCode, toAppError } from '../../base/index.ts'
import type { Counter, Family, Metrics } from '../../telemetry/index.ts'
import { clientOf } from '../client-of.ts'
import { fairGate } from '../fair-gate.ts'
import { limitRefusals } from '../load.ts'
import { refusal } from '../refusal.ts'
import type { Exchange } from '../route.ts'
import { type DialComponents, dial, type Terms } from './dial.ts'
import { authorityOf, type ForeignTarget } from './foreign-target.ts'
import { relay } from './relay.ts'
import { hasPassed, relayedRequestHeaders } from './relay-headers.ts'
import { tunnel } from './tunnel.ts'

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
}

/** Carries a request to a host elsewhere, and answers it. */
export type Forwarding = (exchange: Exchange, target: ForeignTarget) => Promise<void>

/** Methods that are passed on: not TRACE, which shows what a proxy has added. */
const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT']

const WAITING_SHARE = 0.5
const WAIT_MS = 10_000
const RETRY_AFTER_SECONDS = 5

/** @throws FORWARD_DENIED, FORWARD_LOOP, FORWARD_UNREACHABLE, LISTENER_BUSY, METHOD_NOT_ALLOWED, ABORTED (what it returns) */
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

  const carry = async (exchange: Exchange, target: ForeignTarget) => {
    const { req, signal } = exchange
    if (!METHODS.includes(req.method ?? '')) throw appError('METHOD_NOT_ALLOWED')
    if (hasPassed(req, via)) throw appError('FORWARD_LOOP')
    const terms = init.termsFor(target, exchange)
    const { host } = target
    const socket = await dial(components, host, { ...terms, signal })
    const onBytes = told.bytes
    if (target.scheme === 'tunnel') return tunnel(clock, exchange, socket, { idleMs, onBytes })
    const authority = authorityOf({ host, port: terms.port }, terms.secure ? 'https' : 'http')
    const headers = relayedRequestHeaders(req, { authority, via, dropped: init.dropped(exchange) })
    return relay(clock, exchange, socket, { headers, path: target.path, via, idleMs, onBytes })
  }

  return async (exchange, target) => {
    const way = target.scheme === 'tunnel' ? 'tunnel' : 'relay'
    const end = told.begin(way)
    try {
      const leave = await gate.enter(clientOf(exchange.req), exchange)
      await carry(exchange, target).finally(leave)
      end('done')
    } catch (err) {
      end(outcomeOf(toAppError(err)))
      throw err
    }
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
