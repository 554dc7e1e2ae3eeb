import type { Readable } from 'node:stream'
import type { OriginCluster, TrackerCluster } from '../../lib/api/index.ts'
import { hasCode } from '../../lib/base/index.ts'
import type { BlobRef, PeerId } from '../../lib/core/index.ts'
import { decodeMetainfo } from '../../lib/metainfo/index.ts'
import type { Announcer, MetainfoAsker, MetainfoOptions, MetainfoSource, PieceSource } from '../../lib/swarm/index.ts'

/** Announces to the trackers of the cluster. `key` proves to them that a later announce comes from the same peer. */
export function trackerAnnouncer(trackers: TrackerCluster, key: string): Announcer {
  return {
    announce: ({ peerId, port, role }, batch, options) =>
      trackers.announce({ peerId, key, port, role }, batch, options),
    tellSeeds: ({ peerId, port, role }, changes, options) =>
      trackers.tellSeeds({ peerId, key, port, role }, changes, options),
  }
}

/**
 * Metainfo from the tracker of the swarm, which opens one stream at the origins for all readers. When no tracker
 * answers, or when the tracker's metainfo is doubted, it comes from the origins: the loss of all trackers must not stop
 * a pull, and a lying tracker must not spoil one. `key` is that of the announces.
 */
export function clusterMetainfo(trackers: TrackerCluster, origins: OriginCluster, key: string): MetainfoSource {
  const openRaw = async ({ repository, digest }: BlobRef, options: MetainfoOptions): Promise<Readable> => {
    const { signal, direct, asker } = options
    if (direct === true) return origins.openMetainfo(repository, digest, { signal })
    try {
      return await trackers.openMetainfo(repository, digest, { signal, asker: asker && withKey(asker, key) })
    } catch (err) {
      if (!hasCode(err, 'NO_HEALTHY_MEMBER')) throw err
      return origins.openMetainfo(repository, digest, { signal })
    }
  }
  return {
    async *open(blob, options = {}) {
      const raw = await openRaw(blob, options)
      try {
        yield* decodeMetainfo(raw)
      } finally {
        raw.destroy()
      }
    },
  }
}

function withKey({ node: { peerId, port, role }, wantPeers }: MetainfoAsker, key: string) {
  return { peer: { peerId, key, port, role }, wantPeers }
}

/** Pieces from the origins over HTTP for the agent `asker`; tries one origin of the ring after another. */
export function originPieces(origins: OriginCluster, asker: PeerId): PieceSource {
  return {
    async *read({ repository, digest }, range, options = {}) {
      const { body } = await origins.readBlob(repository, digest, { ...options, range, asker })
      try {
        yield* body as AsyncIterable<Uint8Array>
      } finally {
        body.destroy()
      }
    },
  }
}
