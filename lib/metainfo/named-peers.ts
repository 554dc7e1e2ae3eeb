import { isIP } from 'node:net'
import { appError, hasCode } from '../base/index.ts'
import { type InfoHash, type PeerId, type PeerInfo, parseInfoHash, parsePeerId } from '../core/index.ts'
import { MAX_PEERS_JSON } from './metainfo-frame.ts'
import type { NamedPeers } from './metainfo-record.ts'

const invalid = (message: string) => appError('METAINFO_INVALID', { message })

/** The payload of a `peers` or `hint` record. @throws METAINFO_INVALID when there are too many */
export function peersJson({ peers, intervalMs }: Partial<NamedPeers> & Pick<NamedPeers, 'peers'>): Uint8Array {
  const line = ({ peerId, host, port, role, complete, infoHash }: PeerInfo) => {
    return { peerId, host, port, role, complete, infoHash }
  }
  const json = Buffer.from(JSON.stringify({ intervalMs, peers: peers.map(line) }))
  if (json.length > MAX_PEERS_JSON) throw invalid('there are too many peers')
  return json
}

/** Checks what a tracker wrote; unknown fields are dropped. @throws METAINFO_INVALID */
export function checkNamedPeers(facts: { readonly [K in keyof NamedPeers]?: unknown }): NamedPeers {
  const { peers, intervalMs } = facts
  if (!isWhole(intervalMs)) throw invalid('the peers are malformed')
  return { intervalMs, peers: checkPeers(peers) }
}

/** The peers of a hint or an answer. @throws METAINFO_INVALID */
export function checkPeers(peers: unknown): readonly PeerInfo[] {
  if (!Array.isArray(peers)) throw invalid('the peers are malformed')
  return peers.map(checkPeer)
}

function checkPeer(peer: unknown): PeerInfo {
  const { peerId, host, port, role, complete, infoHash } = (peer ?? {}) as { readonly [K in keyof PeerInfo]?: unknown }
  if (typeof host !== 'string' || isIP(host) === 0) throw invalid('the address of a peer is malformed')
  if (!isWhole(port) || port < 1 || port > 65_535) throw invalid('the port of a peer is malformed')
  if (role !== 'agent' && role !== 'origin') throw invalid('the role of a peer is unknown')
  if (typeof complete !== 'boolean') throw invalid('a peer is malformed')
  const named: PeerInfo = { peerId: checkId(parsePeerId, peerId), host, port, role, complete }
  return infoHash === undefined ? named : { ...named, infoHash: checkId(parseInfoHash, infoHash) }
}

function checkId<T extends PeerId | InfoHash>(parse: (text: string) => T, id: unknown): T {
  try {
    return parse(String(id))
  } catch (err) {
    if (!hasCode(err, 'BODY_INVALID')) throw err
    throw appError('METAINFO_INVALID', { message: 'the id of a peer or of its swarm is malformed', cause: err })
  }
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
