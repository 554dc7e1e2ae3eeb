import { type Digest, type PeerId, type PeerRole, repositoryText } from '../../core/index.ts'
import type { BytesBySource, Torrent } from '../torrent/index.ts'

/** One connected peer, for administrators. */
export interface PeerSnapshot {
  readonly peerId: PeerId
  readonly role: PeerRole
  readonly host: string
  readonly pieces: number
  readonly receivedBytes: number
  readonly sentBytes: number
}

/** One running torrent, for administrators. */
export interface TorrentSnapshot {
  readonly digest: Digest
  /** The repository's text form; absent when the repository is not known. */
  readonly repository?: string
  readonly complete: boolean
  readonly leftBytes: number
  readonly received: BytesBySource
  readonly peers: readonly PeerSnapshot[]
}

export function torrentSnapshot(torrent: Torrent): TorrentSnapshot {
  const { digest, repository } = torrent.blob
  return {
    digest,
    ...(repository && { repository: repositoryText(repository) }),
    complete: torrent.complete && torrent.leftBytes === 0,
    leftBytes: torrent.leftBytes,
    received: { ...torrent.received },
    peers: torrent.connections.map(({ hello, remoteHave, stats }) => ({
      peerId: hello.peerId,
      role: hello.role,
      host: hello.address.host,
      pieces: remoteHave.count,
      receivedBytes: stats.receivedBytes,
      sentBytes: stats.sentBytes,
    })),
  }
}
