import { hasCode, isAppError } from '../../lib/base/index.ts'
import { type Digest, type InfoHash, parseInfoHash, swarmIdOf } from '../../lib/core/index.ts'
import { type Exchange, sendBytes } from '../../lib/http/index.ts'
import type { Announcements } from './announcements.ts'
import { encodeBep3Answer, encodeBep3Failure, parseBep3Query } from './bep3.ts'
import { ownerByHost, ownerByKey } from './owner.ts'
import type { PeerRegistry } from './peer-registry.ts'
import type { PeerStore } from './peer-store/peer-store.ts'
import type { SeedRegistry } from './seeds/seed-registry.ts'
import { socketAddress } from './socket-address.ts'

export interface Bep3Components {
  readonly announcements: Announcements
  readonly registry: PeerRegistry
  readonly seeds: SeedRegistry
  readonly store: Pick<PeerStore, 'ready'>
}

/** The blob that an announce is for, when its info_hash is that of a torrent and not the swarm id. */
export interface TorrentOfBlob {
  readonly digest: Digest
  /** Throws unless the info-hash belongs to the blob. */
  check(digest: Digest, infoHash: InfoHash): Promise<void>
}

/** What a BEP 3 client is told as status 200 with a reason. */
const told = ['REQUEST_INVALID', 'HOST_BANNED', 'FOREIGN_PEERS_OFF', 'TORRENT_UNKNOWN', 'TOOMANYREQUESTS'] as const

/** Takes and answers an announce of BEP 3. */
export async function sendBep3(components: Bep3Components, exchange: Exchange, torrent?: TorrentOfBlob): Promise<void> {
  const send = (body: Uint8Array) =>
    sendBytes(exchange, { status: 200, headers: { 'content-type': 'text/plain' }, body })
  try {
    send(await answer(components, exchange, torrent))
  } catch (err) {
    if (!isAppError(err) || !hasCode(err, ...told)) throw err
    send(encodeBep3Failure(err.message))
  }
}

async function answer(
  { announcements, registry, seeds, store }: Bep3Components,
  exchange: Exchange,
  torrent: TorrentOfBlob | undefined,
): Promise<Uint8Array> {
  const host = socketAddress(exchange.req)
  const { swarmId: name, peerId, port, event, leftBytes, wantPeers, key } = parseBep3Query(exchange.rawQuery)
  const infoHash = torrent && parseInfoHash(name)
  if (torrent !== undefined && infoHash !== undefined) await torrent.check(torrent.digest, infoHash)
  const swarmId = torrent === undefined ? name : swarmIdOf(torrent.digest)
  const owner = key === undefined ? ownerByHost(host) : ownerByKey(key)
  const common = { peerId, key: owner, host, port, role: 'agent', complete: leftBytes === 0 } as const
  const entry = infoHash === undefined ? common : { ...common, infoHash }
  await store.ready([swarmId])
  const answered = announcements.one({ swarmId, event, entry, wantPeers })
  if (answered === undefined) return encodeBep3Failure('this peer id is taken')
  const { complete, incomplete } = registry.counts(swarmId)
  const seeders = seeds.count(swarmId, 'agent') + seeds.count(swarmId, 'origin')
  return encodeBep3Answer({ ...answered, complete: complete + seeders, incomplete })
}
