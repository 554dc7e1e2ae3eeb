import type { Socket } from 'node:net'
import { appError, type BalancerTrust, type NetworkRule, networkRule, proxyDoor } from '../base/index.ts'
import { proxyConnections } from '../http/index.ts'
import type { ListenerConfig } from './config.ts'
import type { Runtime } from './runtime.ts'

const ruleOf = (cidrs: readonly string[]): NetworkRule => {
  const rule = networkRule(cidrs)
  if (rule === undefined) throw appError('CONFIG_INVALID', { message: `${cidrs.join(', ')} are not all networks` })
  return rule
}

/** Whom a listener believes about where connections come from; undefined: nobody. @throws CONFIG_INVALID */
export function balancersOf({ proxyProtocol }: Pick<ListenerConfig, 'proxyProtocol'>): BalancerTrust | undefined {
  if (proxyProtocol === undefined) return undefined
  return { balancers: ruleOf(proxyProtocol.from), direct: ruleOf(proxyProtocol.direct) }
}

/** The door of the listener for peers; undefined where it stands behind no balancers. */
export function peerBalancersOf(
  { clock, logger, metrics }: Pick<Runtime, 'clock' | 'logger' | 'metrics'>,
  { peer }: { readonly peer: ListenerConfig },
) {
  const trust = balancersOf(peer)
  if (trust === undefined) return undefined
  const door = proxyDoor(clock, trust)
  const count = proxyConnections(metrics, 'peer')
  return {
    open(socket: Socket, onGuest: () => void) {
      door.open(socket, {
        onGuest(entrance) {
          count(entrance)
          // A balancer that only looks whether we live has nothing to say to a peer.
          if (entrance === 'local') socket.destroy()
          else onGuest()
        },
        onRefused(reason, err) {
          count(reason)
          logger.debug('refused a connection at a listener behind balancers', { err })
        },
      })
    },
    cut: () => door.cut(),
  }
}
