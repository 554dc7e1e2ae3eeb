import { adminBody, managerApi } from '../../../lib/api/index.ts'
import { abortController, type Clock } from '../../../lib/base/index.ts'
import { type Exchange, pageRequest, type Route, sendEvents, sendJson } from '../../../lib/http/index.ts'
import type { MayBeDone } from '../acts.ts'
import { managerRoute, UNKEPT } from '../managed.ts'
import { type ImageRoutesComponents, imageRoutes } from './image-routes.ts'
import type { LiveSwarms } from './live-swarms.ts'
import type { MarkKind, NodeViews } from './node-views.ts'
import type { Overview } from './overview.ts'
import type { SwarmViews } from './swarm-views.ts'
import { given, PAGE, param } from './view-words.ts'

export interface ViewRoutesComponents extends ImageRoutesComponents {
  readonly swarms: SwarmViews
  readonly live: LiveSwarms
  readonly overview: Overview
  readonly nodes: NodeViews
  readonly clock: Pick<Clock, 'setTimer'>
}

function swarmRoutes({ swarms, live, clock }: ViewRoutesComponents): readonly Route[] {
  return [
    managerRoute(managerApi.swarms, async (exchange) => {
      const [cluster, state, digest, repository] = ['cluster', 'state', 'digest', 'repository'].map((name) =>
        given(exchange, name),
      )
      const { count, last } = pageRequest(exchange.query, PAGE)
      const asked = { count, last, cluster, state, digest, repository, signal: exchange.signal }
      sendJson(exchange, 200, await swarms.page(asked), UNKEPT)
    }),
    managerRoute(managerApi.swarm, async (exchange) => {
      const { signal } = exchange
      sendJson(
        exchange,
        200,
        await swarms.whole(param(exchange, 'cluster'), param(exchange, 'swarm'), { signal }),
        UNKEPT,
      )
    }),
    managerRoute(managerApi.swarmEvents, async (exchange) => {
      const { signal } = exchange
      const watch = await live.watch(param(exchange, 'cluster'), param(exchange, 'swarm'), { signal })
      const end = abortController()
      await sendEvents(exchange, { clock, end: end.signal }, (_lastId, send) =>
        watch.listen((event) => {
          send(event)
          if (event.event === 'ended') end.abort()
        }),
      )
    }),
  ]
}

/** Pulls of nodes, as they tell themselves. */
function pullRoutes({ nodes }: ViewRoutesComponents): readonly Route[] {
  const at = (exchange: Exchange) => ({ cluster: param(exchange, 'cluster'), peer: param(exchange, 'peer') })
  return [
    managerRoute(managerApi.nodePulls, async (exchange) => {
      const { query, signal } = exchange
      sendJson(exchange, 200, await nodes.pulls(at(exchange), Object.fromEntries(query), { signal }), UNKEPT)
    }),
    managerRoute(managerApi.nodePull, async (exchange) => {
      const { signal } = exchange
      sendJson(exchange, 200, await nodes.pull(at(exchange), param(exchange, 'id'), { signal }), UNKEPT)
    }),
  ]
}

/** Marks on nodes: the trackers keep them, and the audit has who asked for them before a tracker does. */
function markRoutes({ nodes, act }: ViewRoutesComponents): readonly Route[] {
  const words = { bans: ['host.ban', 'host.unban'], drains: ['host.drain', 'host.undrain'] } as const
  const calls = {
    bans: [managerApi.banNode, managerApi.unbanNode],
    drains: [managerApi.drainNode, managerApi.undrainNode],
  } as const
  return (['bans', 'drains'] as const satisfies readonly MarkKind[]).flatMap((kind) => {
    const [set, end] = calls[kind]
    const at = (exchange: Exchange) => ({ cluster: param(exchange, 'cluster'), target: param(exchange, 'target') })
    const entryOf = (exchange: Exchange, action: string, more: Readonly<Record<string, unknown>> = {}) => {
      const { cluster, target } = at(exchange)
      return { actor: exchange.principal.name, action, target, detail: { cluster, ...more } }
    }
    return [
      managerRoute(set, async (exchange) => {
        const body = await adminBody(set, exchange)
        const { signal } = exchange
        const mark = (mayBeDone: MayBeDone) => nodes.mark(kind, at(exchange), body, { signal, mayBeDone })
        sendJson(exchange, 200, await act(entryOf(exchange, words[kind][0], body), mark))
      }),
      managerRoute(end, async (exchange) => {
        const { signal } = exchange
        const unmark = (mayBeDone: MayBeDone) => nodes.unmark(kind, at(exchange), { signal, mayBeDone })
        sendJson(exchange, 200, await act(entryOf(exchange, words[kind][1]), unmark))
      }),
    ]
  })
}

/** What the services of clusters know now. */
export function viewRoutes(components: ViewRoutesComponents): readonly Route[] {
  const { overview, nodes } = components
  return [
    managerRoute(managerApi.overview, async (exchange) =>
      sendJson(exchange, 200, await overview.now({ signal: exchange.signal }), UNKEPT),
    ),
    ...swarmRoutes(components),
    ...imageRoutes(components),
    managerRoute(managerApi.node, async (exchange) => {
      const { signal } = exchange
      sendJson(exchange, 200, await nodes.of(param(exchange, 'cluster'), param(exchange, 'peer'), { signal }), UNKEPT)
    }),
    ...pullRoutes(components),
    ...markRoutes(components),
  ]
}
