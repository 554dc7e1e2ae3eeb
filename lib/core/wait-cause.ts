/** In whose hands a wait lies: the services of the cluster, the peers that give pieces, this node, or the client. */
export type WaitSide = 'cluster' | 'peers' | 'node' | 'client'

/** One reason why a pull did not go on at once. */
export interface WaitFacts {
  readonly side: WaitSide
  /** What the pull waited for, as the end of "it waited for"; `{from}` stands for the peer. */
  readonly text: string
}

const cluster = (text: string): WaitFacts => ({ side: 'cluster', text })
const peers = (text: string): WaitFacts => ({ side: 'peers', text })
const node = (text: string): WaitFacts => ({ side: 'node', text })

/**
 * The one table of what a pull can wait for. At each moment of a pull exactly one of these holds, so the times of a pull
 * add up to its length. docs/operations.md has a row for each, with what to do.
 */
export const waitCauses = {
  lookup: cluster('the build-index to look up the tag or the manifest'),
  metainfo: cluster('the metainfo of the blob, which the tracker gets from an origin'),
  bringing: cluster('an origin that itself was still bringing the blob, from the backend or from another origin'),
  noPeers: cluster('a tracker to name peers'),
  dialling: peers('a connection to a peer'),
  unheld: peers('a peer to have the piece: none of those connected had it'),
  busy: peers('{from}, which had the piece and served others'),
  refused: peers('{from}, which gave the piece to others first'),
  queued: peers('{from}, which first gave other pieces that were asked of it'),
  arriving: peers('a piece that came from {from} at the usual speed'),
  slowPeer: peers('a piece that came from {from}, which is slow beside the other peers'),
  http: peers('a piece that came from an origin over HTTP'),
  originFailed: cluster('the next try at an origin over HTTP, after one that failed'),
  timedOut: peers('{from}, which did not answer in time, so that another was asked'),
  wrongBytes: peers('a piece to come again, because its bytes had been wrong'),
  ownLimit: node("this node's own download limit"),
  memory: node("this node's memory for pieces under way, which was used up"),
  hash: node('the check of a piece'),
  disk: node("this node's disk"),
  digest: node('the check of the whole blob, until which its last 64 KiB are held back'),
  standstill: node('this node, whose process stood still'),
  client: { side: 'client', text: 'the client to take the bytes that were there' },
} as const satisfies Record<string, WaitFacts>

export type WaitCause = keyof typeof waitCauses
