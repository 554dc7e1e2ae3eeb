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
import { type Clock, hasCode, isAppError } from '../../lib/base/index.ts'
import { swarmIdOf } from '../../lib/core/index.ts'
import {
  type Exchange,
  inTouch,
  type LookBudget,
  type Route,
  readJson,
  requireRight,
  sendBytes,
  sendJson,
  sendStream,
} from '../../lib/http/index.ts'
import type { Announcements } from './announcements.ts'
import { encodeBep3Answer, encodeBep3Failure, parseBep3Query } from './bep3.ts'
import type { Control } from './control/control.ts'
import { controlExchange } from './control/control-exchange.ts'
import { type OrderRoutesComponents, orderRoutes } from './fleet/order-routes.ts'
import { introduction } from './introduction.ts'
import { ownerByHost, ownerByKey } from './owner.ts'
import type { PeerRegistry } from './peer-registry.ts'
import type { PeerStore } from './peer-store/peer-store.ts'
import type { MetainfoRelay } from './relay/metainfo-relay.ts'
import type { Preface } from './relay/relay-reader.ts'
import type { SeedRegistry } from './seeds/seed-registry.ts'
import { socketAddress } from './socket-address.ts'

export interface TrackerRoutesComponents extends OrderRoutesComponents {
  readonly announcements: Announcements
  readonly registry: PeerRegistry
  readonly seeds: SeedRegistry
  readonly store: Pick<PeerStore, 'ready'>
  readonly relay: MetainfoRelay
  readonly control: Pick<Control, 'learn' | 'words'>
  /** For metainfo of blobs that are nowhere. */
  readonly looks: LookBudget
  readonly clock: Clock
}

/** The HTTP API of a tracker. */
export function trackerServerRoutes(components: TrackerRoutesComponents): readonly Route[] {
  const { announcements, relay, store } = components

  const batch = async (exchange: Exchange) => {
    const host = socketAddress(exchange.req)
    const body = parseBody(announceBatchSchema, await readJson(exchange, announceLimits.maxBodyBytes))
    believeRole(exchange, body.peer)
    await store.ready(body.torrents.flatMap(({ swarmId, event }) => (event === 'stopped' ? [] : [swarmId])))
    sendJson(exchange, 200, announcements.batch(host, body))
  }

  const sendMetainfo = (exchange: Exchange, preface?: Preface) => {
    const body = relay.open(blobOf(exchange), { preface, pay: () => components.looks.pay(exchange.req) })
    const headers = { 'content-type': 'application/vnd.shoal.metainfo.v1' }
    return inTouch(components.clock, exchange, sendStream(exchange, { status: 200, headers, body }), METAINFO_BEAT_MS)
  }

  const begin = async (exchange: Exchange) => {
    const blob = blobOf(exchange)
    const host = socketAddress(exchange.req)
    const asker = parseBody(metainfoAskerSchema, await readJson(exchange, announceLimits.maxAskerBytes))
    believeRole(exchange, asker.peer)
    announcements.assertNotBanned({ peerId: asker.peer.peerId, host })
    await store.ready([swarmIdOf(blob.digest)])
    await sendMetainfo(exchange, introduction(announcements, { host, blob, asker }))
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
      handle: (exchange) => bep3(components, exchange),
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
    ...controlExchange(components.control),
    ...orderRoutes(components),
  ]
}

/** Agents ask origins first and last, so only a member of the services may call itself one. @throws UNAUTHORIZED, DENIED */
function believeRole(exchange: Exchange, { role }: AnnouncingPeer): void {
  if (role === 'origin') requireRight(exchange, 'ring')
}

/** BEP 3 clients get errors as status 200 with a reason. */
async function bep3(
  { announcements, registry, seeds, store }: TrackerRoutesComponents,
  exchange: Exchange,
): Promise<void> {
  const send = (body: Uint8Array) =>
    sendBytes(exchange, { status: 200, headers: { 'content-type': 'text/plain' }, body })
  try {
    const host = socketAddress(exchange.req)
    const { swarmId, peerId, port, event, leftBytes, wantPeers, key } = parseBep3Query(exchange.rawQuery)
    const owner = key === undefined ? ownerByHost(host) : ownerByKey(key)
    const entry = { peerId, key: owner, host, port, role: 'agent', complete: leftBytes === 0 } as const
    await store.ready([swarmId])
    const answer = announcements.one({ swarmId, event, entry, wantPeers })
    const { complete, incomplete } = registry.counts(swarmId)
    send(
      answer === undefined
        ? encodeBep3Failure('this peer id is taken')
        : encodeBep3Answer({
            ...answer,
            complete: complete + seeds.count(swarmId, 'agent') + seeds.count(swarmId, 'origin'),
            incomplete,
          }),
    )
  } catch (err) {
    if (!isAppError(err) || !hasCode(err, 'REQUEST_INVALID', 'HOST_BANNED')) throw err
    send(encodeBep3Failure(err.message))
  }
}
