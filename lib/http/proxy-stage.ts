import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { type BalancerTrust, type Clock, type ProxyEntrance, type ProxyRefusal, proxyDoor } from '../base/index.ts'
import type { Logger, Metrics } from '../telemetry/index.ts'

export interface ProxyStageInit {
  readonly name: string
  /** Undefined: the listener stands behind no balancer. */
  readonly balancers: BalancerTrust | undefined
}

export interface ProxyStage {
  /** Ends the connections of which it is not known yet where they come from. */
  cut(): void
}

/**
 * Reads what balancers say of their connections, in front of whatever the server does with a connection so far: TLS, limits
 * of one address, requests. Call it when all of that is in place.
 */
export function proxyStage(
  components: { readonly clock: Clock; readonly logger: Logger; readonly metrics: Metrics },
  server: Server,
  { name, balancers }: ProxyStageInit,
): ProxyStage {
  const { clock, logger } = components
  const count = proxyConnections(components.metrics, name)
  if (balancers === undefined) return { cut: () => undefined }
  const door = proxyDoor(clock, balancers)
  const take = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (raw: Socket) => {
    door.open(raw, {
      onGuest(entrance) {
        count(entrance)
        for (const each of take) Reflect.apply(each, server, [raw])
        // What came behind the header.
        raw.resume()
      },
      onRefused(reason, err) {
        count(reason)
        logger.debug('refused a connection at a listener behind balancers', { err })
      },
    })
  })
  return { cut: () => door.cut() }
}

/** Counts connections at a listener behind balancers. */
export function proxyConnections(metrics: Metrics, listener: string): (outcome: ProxyEntrance | ProxyRefusal) => void {
  const help = 'Connections that came in at a listener behind balancers, by what became of them.'
  const total = metrics.counter({ name: 'shoal_balanced_connections_total', help }, ['listener', 'outcome'])
  return (outcome) => total.with({ listener, outcome }).add()
}
