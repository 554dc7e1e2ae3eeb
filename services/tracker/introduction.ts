import type { MetainfoAsker } from '../../lib/api/index.ts'
import { type BlobRef, INLINE_LIMIT, swarmIdOf } from '../../lib/core/index.ts'
import { encodeRecord } from '../../lib/metainfo/index.ts'
import { type Announcements, downloading } from './announcements.ts'
import type { Preface, RelayReaderInit } from './relay/relay-reader.ts'

const NOTHING = new Uint8Array(0)

/** Who asks for the metainfo of which blob, from where. */
interface Asked {
  readonly host: string
  readonly blob: BlobRef
  readonly asker: MetainfoAsker
}

/** What is told to a peer that asks for metainfo, beside that: the others, and who begins to have the blob. */
export function told(
  announcements: Pick<Announcements, 'one' | 'knowsOthers' | 'met' | 'addressed'>,
  asked: Asked,
): Pick<RelayReaderInit, 'preface' | 'hinted'> {
  const { network } = asked.asker.peer
  return {
    preface: introduction(announcements, asked),
    hinted: (peer) => announcements.addressed(peer, network),
  }
}

/**
 * The announce of `started` that comes with a request for metainfo, from the peer at `host`: a `peers` record in front of
 * the header. It is sent before the length of the blob is known only when there is somebody to name, since a small blob
 * has no swarm. Whoever may not have the peer id gets no record.
 */
function introduction(
  announcements: Pick<Announcements, 'one' | 'knowsOthers' | 'met'>,
  { host, blob, asker }: Asked,
): Preface {
  const swarmId = swarmIdOf(blob.digest)
  const entry = downloading(host, asker.peer)
  const { labels, network } = asker.peer
  return (length) => {
    if (length === undefined && !announcements.knowsOthers(swarmId, { ...entry, network })) return undefined
    if (length !== undefined && length <= INLINE_LIMIT) return NOTHING
    const answer = announcements.one({
      swarmId,
      event: 'started',
      entry,
      wantPeers: asker.wantPeers,
      blob,
      labels,
      network,
    })
    if (answer === undefined) return NOTHING
    announcements.met(host, asker.peer)
    return encodeRecord({ kind: 'peers', ...answer })
  }
}
