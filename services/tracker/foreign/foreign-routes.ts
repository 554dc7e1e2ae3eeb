import { foreignRoutes } from '../../../lib/api/index.ts'
import { appError, hasCode } from '../../../lib/base/index.ts'
import { parseDigest, parseInfoHash } from '../../../lib/core/index.ts'
import { type Exchange, type LookBudget, type Route, sendJson } from '../../../lib/http/index.ts'
import { type Bep3Components, sendBep3 } from '../bep3-announce.ts'
import type { TorrentNames } from './torrent-names.ts'

export interface ForeignRoutesComponents extends Bep3Components {
  /** For metainfo of blobs that are nowhere, and torrents that nobody has made. */
  readonly looks: LookBudget
  /** Undefined where stock BitTorrent clients are not let in. */
  readonly torrents: TorrentNames | undefined
}

/** Announces of stock BitTorrent clients for blobs, and what nodes ask about those clients. */
export function foreignTrackerRoutes(components: ForeignRoutesComponents): readonly Route[] {
  const { torrents, looks } = components
  const open = (): TorrentNames => {
    if (torrents === undefined) throw appError('FOREIGN_PEERS_OFF')
    return torrents
  }

  const announce = (exchange: Exchange) =>
    sendBep3(components, exchange, {
      digest: parseDigest(exchange.params['digest'] ?? ''),
      async check(digest, infoHash) {
        const payBack = looks.pay(exchange.req)
        try {
          await open().check(digest, infoHash, exchange)
          payBack()
        } catch (err) {
          if (!hasCode(err, 'TORRENT_UNKNOWN')) payBack()
          throw err
        }
      },
    })

  const swarm = async (exchange: Exchange) => {
    sendJson(exchange, 200, { digest: open().digestOf(parseInfoHash(exchange.params['infoHash'] ?? '')) })
  }

  const { announce: path, infoHash } = foreignRoutes
  return [
    { methods: ['GET'], path, right: 'announce', summary: 'BEP 3, by the torrent of a blob', handle: announce },
    { methods: ['GET'], path: infoHash, right: 'read', summary: 'the blob of a torrent', handle: swarm },
  ]
}
