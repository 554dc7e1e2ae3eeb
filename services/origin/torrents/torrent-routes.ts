import { blobOf, foreignRoutes } from '../../../lib/api/index.ts'
import { appError, type Clock } from '../../../lib/base/index.ts'
import { digestHex, parseDigest } from '../../../lib/core/index.ts'
import { type Exchange, inTouch, type LookBudget, type Route, sendBytes, sendJson } from '../../../lib/http/index.ts'
import type { Torrents } from './torrents.ts'

export interface TorrentRoutesComponents {
  readonly clock: Clock
  readonly looks: LookBudget
  /** Undefined where stock BitTorrent clients are not let in. */
  readonly torrents: Torrents | undefined
}

/** Torrents for stock BitTorrent clients, and what trackers ask about them. */
export function torrentRoutes({ clock, looks, torrents }: TorrentRoutesComponents): readonly Route[] {
  const open = (): Torrents => {
    if (torrents === undefined) throw appError('FOREIGN_PEERS_OFF')
    return torrents
  }

  const file = async (exchange: Exchange) => {
    const made = open()
    const blob = blobOf(exchange)
    const making = looks.during(exchange.req, () => made.file(blob, { hop: false, signal: exchange.signal }))
    const body = await inTouch(clock, exchange, making)
    const headers = {
      'content-type': 'application/x-bittorrent',
      'content-disposition': `attachment; filename="${digestHex(blob.digest)}.torrent"`,
    }
    sendBytes(exchange, { status: 200, headers, body })
  }

  const facts = async (exchange: Exchange) => {
    sendJson(exchange, 200, await open().facts(parseDigest(exchange.params['digest'] ?? '')))
  }

  const { torrent, torrentFacts } = foreignRoutes
  return [
    {
      methods: ['GET'],
      path: torrent,
      right: 'read',
      summary: 'a torrent of the blob, for stock clients',
      handle: file,
    },
    { methods: ['GET'], path: torrentFacts, right: 'read', summary: 'its info-hash, if made here', handle: facts },
  ]
}
