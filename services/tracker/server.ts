import {
  type AnnouncingPeer,
  announceBatchSchema,
  announceLimits,
  blobOf,
  METAINFO_BEAT_MS,
  metainfoAskerSchema,
  parseBody,
  trackerRoutes,
} from '../../lib/api/index.ts'
import type { Clock } from '../../lib/base/index.ts'
import { swarmIdOf } from '../../lib/core/index.ts'
import {
  type Exchange,
  inTouch,
  type Route,
  readJson,
  requireRight,
  sendJson,
  sendStream,
} from '../../lib/http/index.ts'
import type { Announcements } from './announcements.ts'
import { sendBep3 } from './bep3-announce.ts'
import type { Control } from './control/control.ts'
import { controlExchange } from './control/control-exchange.ts'
import { type OrderRoutesComponents, orderRoutes } from './fleet/order-routes.ts'
import { type ForeignRoutesComponents, foreignTrackerRoutes } from './foreign/foreign-routes.ts'
import { told } from './introduction.ts'
import type { MetainfoRelay, RelayOptions } from './relay/metainfo-relay.ts'
import { socketAddress } from './socket-address.ts'
import { type SteeringRoutesComponents, steeringServiceRoutes } from './steering/steering-routes.ts'

export interface TrackerRoutesComponents
  extends OrderRoutesComponents,
    ForeignRoutesComponents,
    SteeringRoutesComponents {
  readonly announcements: Announcements
  readonly relay: MetainfoRelay
  readonly control: Pick<Control, 'learn' | 'words'>
  readonly clock: Clock
}

/** The HTTP API of a tracker. */
export function trackerServerRoutes(components: TrackerRoutesComponents): readonly Route[] {
  const { announcements, relay, store } = components

  const batch = async (exchange: Exchange) => {
    const host = socketAddress(exchange.req)
    const body = parseBody(announceBatchSchema, await readJson(exchange, announceLimits.maxBodyBytes))
    believePeer(exchange, body.peer)
    await store.ready(body.torrents.flatMap(({ swarmId, event }) => (event === 'stopped' ? [] : [swarmId])))
    sendJson(exchange, 200, announcements.batch(host, body))
  }

  const sendMetainfo = (exchange: Exchange, options: Pick<RelayOptions, 'preface' | 'hinted'> = {}) => {
    const body = relay.open(blobOf(exchange), { ...options, pay: () => components.looks.pay(exchange.req) })
    const headers = { 'content-type': 'application/vnd.shoal.metainfo.v1' }
    return inTouch(components.clock, exchange, sendStream(exchange, { status: 200, headers, body }), METAINFO_BEAT_MS)
  }

  const begin = async (exchange: Exchange) => {
    const blob = blobOf(exchange)
    const host = socketAddress(exchange.req)
    const asker = parseBody(metainfoAskerSchema, await readJson(exchange, announceLimits.maxAskerBytes))
    believePeer(exchange, asker.peer)
    announcements.assertNotBanned({ peerId: asker.peer.peerId, host })
    await store.ready([swarmIdOf(blob.digest)])
    await sendMetainfo(exchange, told(announcements, { host, blob, asker }))
  }

  const announce = { path: trackerRoutes.announce } as const
  const metainfo = { path: trackerRoutes.metainfo } as const
  return [
    {
      ...announce,
      methods: ['POST'],
      right: 'announce',
      summary: 'one batch for many torrents of one peer',
      handle: batch,
    },
    {
      ...announce,
      methods: ['GET'],
      right: 'announce',
      summary: 'BEP 3, compact',
      handle: (exchange) => sendBep3(components, exchange),
    },
    {
      ...metainfo,
      methods: ['GET'],
      right: 'read',
      summary: 'relays metainfo',
      handle: (exchange) => sendMetainfo(exchange),
    },
    {
      ...metainfo,
      methods: ['POST'],
      right: 'announce',
      summary: 'the same, and announces `started` for the peer that asks',
      handle: begin,
    },
    ...foreignTrackerRoutes(components),
    ...controlExchange(components.control),
    ...steeringServiceRoutes(components),
    ...orderRoutes(components),
  ]
}

/**
 * Agents ask origins first and last, so only a member of the services may call itself one, or say at which other addresses
 * it is reached: whoever else could, would send a swarm to any machine. @throws UNAUTHORIZED, DENIED
 */
function believePeer(exchange: Exchange, { role, addresses }: AnnouncingPeer): void {
  if (role === 'origin' || addresses !== undefined) requireRight(exchange, 'ring')
}
