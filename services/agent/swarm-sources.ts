import type { Readable } from 'node:stream'
import { announcingPeer, type NodePlace, type OriginCluster, type TrackerCluster } from '../../lib/api/index.ts'
import { type AbortOptions, abortController, hasCode, onAbort } from '../../lib/base/index.ts'
import type { BlobRef } from '../../lib/core/index.ts'
import { decodeMetainfo, type MetainfoRecord } from '../../lib/metainfo/index.ts'
import type { Announcer, MetainfoAsker, MetainfoOptions, MetainfoSource, PieceSource } from '../../lib/swarm/index.ts'

/** Where this node is, and what proves to trackers that its announces come from the same peer. */
export interface Identity extends NodePlace {
  readonly key: string
}

/** Announces to the trackers of the cluster. */
export function trackerAnnouncer(trackers: TrackerCluster, identity: Identity): Announcer {
  return {
    announce: (self, batch, options) => trackers.announce(announcingPeer(self, identity), batch, options),
    tellSeeds: (self, changes, options) => trackers.tellSeeds(announcingPeer(self, identity), changes, options),
    onMoved: (listener) => trackers.onMoved(listener),
  }
}

/**
 * Metainfo from the tracker of the swarm, which opens one stream at the origins for all readers. When no tracker
 * answers, or when the tracker's metainfo is doubted, it comes from the origins: the loss of all trackers must not stop
 * a pull, and a lying tracker must not spoil one. `identity` is that of the announces.
 */
export function clusterMetainfo(trackers: TrackerCluster, origins: OriginCluster, identity: Identity): MetainfoSource {
  const openRaw = async ({ repository, digest, as }: BlobRef, options: MetainfoOptions): Promise<Readable> => {
    const { signal, direct, asker } = options
    if (direct === true) return origins.openMetainfo(repository, digest, { as, signal })
    try {
      return await trackers.openMetainfo(repository, digest, { as, signal, asker: asker && askerOf(asker, identity) })
    } catch (err) {
      if (!hasCode(err, 'NO_HEALTHY_MEMBER')) throw err
      return origins.openMetainfo(repository, digest, { as, signal })
    }
  }
  return { open: (blob, options = {}) => recordsOf((signal) => openRaw(blob, { ...options, signal }), options) }
}

/** Bytes behind the content of a small blob: one record. */
const MAX_REST = 64

/**
 * The records of one stream. Who has the content of a small blob wants no more of it; its last bytes are read and
 * dropped then, so that the connection can be used again.
 */
async function* recordsOf(
  open: (signal: AbortSignal) => Promise<Readable>,
  { signal }: AbortOptions,
): AsyncGenerator<MetainfoRecord> {
  const cut = abortController()
  const unfollow = onAbort(signal, () => cut.abort(signal?.reason))
  let raw: Readable | undefined
  let small = false
  try {
    raw = await open(cut.signal)
    for await (const record of decodeMetainfo(raw.iterator({ destroyOnReturn: false }))) {
      small ||= record.kind === 'header' && record.header.data !== undefined
      if (small) unfollow()
      yield record
    }
  } finally {
    unfollow()
    if (small && raw !== undefined) dropRest(raw)
    else raw?.destroy()
  }
}

function dropRest(raw: Readable): void {
  let left = MAX_REST
  raw.on('data', (chunk: Uint8Array) => {
    left -= chunk.length
    if (left < 0) raw.destroy()
  })
}

const askerOf = ({ node, wantPeers }: MetainfoAsker, identity: Identity) => ({
  peer: announcingPeer(node, identity),
  wantPeers,
})

/** Pieces from the origins over HTTP; tries one origin of the ring after another. `key` is that of the announces. */
export function originPieces(origins: OriginCluster, key: string): PieceSource {
  return {
    async *read({ repository, digest }, range, options = {}) {
      // Each piece is compared with its hash before anybody gets it.
      const asked = { ...range, standsAlone: true }
      const { body } = await origins.readBlob(repository, digest, { ...options, range: asked, asker: key })
      try {
        yield* body as AsyncIterable<Uint8Array>
      } finally {
        body.destroy()
      }
    },
    want: ({ repository, digest }, { ranges, priority }, { signal } = {}) =>
      origins.demand(repository, digest, { ranges, priority, signal }),
  }
}
