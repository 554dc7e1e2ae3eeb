import { announceLimits } from '../../lib/api/index.ts'
import type { Random } from '../../lib/base/index.ts'
import type { PeerId, PeerInfo, SwarmId } from '../../lib/core/index.ts'
import type { Control } from './control/control.ts'
import type { Crossings } from './crossings.ts'
import type { HostBook } from './hosts/host-book.ts'
import type { HostHealth } from './hosts/host-health.ts'
import { addressIn } from './network-address.ts'
import type { PeerRegistry } from './peer-registry.ts'
import { MOST_FAR } from './policy/parts/by-zone.ts'
import type { Candidate } from './policy/peer-order.ts'
import { looksAtZones, policies } from './policy/policies.ts'
import { reaches } from './reach.ts'
import type { SeedRegistry } from './seeds/seed-registry.ts'
import type { Stalls } from './stalls.ts'
import type { PeerEntry, SampledPeer } from './swarm.ts'

export interface NamingComponents {
  readonly registry: PeerRegistry
  readonly seeds: SeedRegistry
  readonly book: Pick<HostBook, 'of'>
  readonly health: Pick<HostHealth, 'of' | 'bytesPerSecondOf'>
  readonly crossings: Crossings
  readonly stalls: Stalls
  readonly control: Pick<Control, 'markOf' | 'now'>
  readonly random: Random
}

export interface Named {
  /** The best first. */
  readonly peers: readonly PeerInfo[]
  /** It is the way of its zone to others, and there were few of them: it should ask again after so many milliseconds. */
  readonly againMs: number | undefined
}

/** Who asks, and the network that it is in, if it says so. */
export type Asker = PeerEntry & { readonly network?: string | undefined }

/** The same with the labels of its place and what it lacks. */
export type NamedTo = Asker & Pick<Candidate, 'labels'> & { readonly leftBytes?: number | undefined }

/** Which peers are named to an asker. */
export interface Naming {
  /**
   * Never the asker, nor one that is banned or drained, nor one that the asker cannot reach. An
   * agent whose health has put it out is named only when there is nobody else, or nobody else with the whole blob.
   */
  best(swarmId: SwarmId, asker: NamedTo, limit: number): Named
  /** Whether there is a peer to name to the asker. */
  knowsOthers(swarmId: SwarmId, asker: Asker): boolean
  /** The peer as it is told to a node of that network; undefined when such a node does not reach it. */
  addressed(peer: PeerInfo, network: string | undefined): PeerInfo | undefined
}

/** What is told of a peer. */
function peerInfoOf({ peerId, host, port, role, complete, infoHash }: PeerInfo): PeerInfo {
  const told = { peerId, host, port, role, complete }
  return infoHash === undefined ? told : { ...told, infoHash }
}

/** A peer with what is known of it. */
const knowing =
  (book: NamingComponents['book'], health: NamingComponents['health']) =>
  ({ peerId, ...peer }: SampledPeer): Candidate => {
    const { labels, spareBytesPerSecond } = book.of(peerId) ?? {}
    const onProbation = health.of(peerId).state === 'probation'
    return {
      ...{ peerId, ...peer, labels, spareBytesPerSecond },
      ...{ bytesPerSecond: health.bytesPerSecondOf(peerId), onProbation },
    }
  }

const addressing =
  (book: NamingComponents['book']): Naming['addressed'] =>
  (peer, network) => {
    if (network === undefined) return peer
    const address = addressIn(network, peer, book.of(peer.peerId))
    return address && { ...peer, ...address }
  }

export function naming(components: NamingComponents): Naming {
  const { registry, seeds, book, health, crossings, stalls, control, random } = components
  const isOpen = (peer: Pick<PeerInfo, 'peerId' | 'host'>) =>
    control.markOf('ban', peer) === undefined && control.markOf('drain', peer) === undefined
  const addressed = addressing(book)
  const mayName = (peer: PeerInfo, asker: Asker) => {
    const told = addressed(peer, asker.network)
    return told !== undefined && reaches(asker.host, told.host) && isOpen(peer)
  }
  // Origins stay: at first nobody else has the pieces, and all their askers wait for them alike.
  const isOut = ({ peerId, role }: Pick<PeerInfo, 'peerId' | 'role'>) =>
    role === 'agent' && health.of(peerId).state === 'out'

  const known = knowing(book, health)
  const candidates = (swarmId: SwarmId, asker: Asker): readonly Candidate[] => {
    const zone = looksAtZones(control.now.policy) ? (asker.zone ?? '') : undefined
    const entries = registry.sample(swarmId, announceLimits.maxPeers, zone)
    // A peer with an entry of its own is named as the entry says: it may have lost the blob and be pulling it again.
    const listed = new Set(entries.map(({ peerId }) => peerId))
    const others = seeds.sample(swarmId, announceLimits.maxPeers, zone).filter(({ peerId }) => !listed.has(peerId))
    const open = [...entries, ...others].filter((peer) => peer.peerId !== asker.peerId && mayName(peer, asker))
    const sound = open.filter((peer) => !isOut(peer))
    if (sound.length === 0) return open.map(known)
    // Whoever is out is better than nobody: without it there would be no whole copy.
    const needed = sound.some(({ complete }) => complete) ? [] : open.filter((peer) => peer.complete && isOut(peer))
    return [...sound, ...needed].map(known)
  }

  const isHere = (swarmId: SwarmId) => (peerId: PeerId) => {
    const host = book.of(peerId)
    const isNamed = host === undefined || (isOpen(host) && !isOut(host))
    return isNamed && (registry.has(swarmId, peerId) || seeds.has(swarmId, peerId))
  }

  return {
    addressed,
    best(swarmId, asker, limit) {
      const zone = asker.zone ?? ''
      const crossing = { swarmId, zone, peerId: asker.peerId }
      const crosses = !asker.complete && crossings.open(crossing, isHere(swarmId))
      const isFar = (peer: Candidate) => (peer.zone ?? '') !== zone
      const all = candidates(swarmId, asker)
      const isClaimed = asker.leftBytes !== undefined && all.some((peer) => peer.complete && !isFar(peer))
      const doubtsZone = isClaimed && !asker.complete && stalls.heard(crossing, asker.host, asker.leftBytes)
      const named = policies[control.now.policy]({ ...asker, crosses, doubtsZone }, all, random).slice(0, limit)
      const far = named.filter(isFar).map(({ peerId }) => peerId)
      if (crosses && far.length > 0) crossings.taken(crossing, asker.leftBytes)
      const isNarrow = looksAtZones(control.now.policy) && crosses && far.length > 0 && far.length < MOST_FAR
      return {
        peers: named.flatMap((peer) => addressed(peerInfoOf(peer), asker.network) ?? []),
        againMs: isNarrow ? crossings.again(crossing, far) : undefined,
      }
    },
    knowsOthers: (swarmId, asker) =>
      [registry, seeds].some((some) =>
        some.sample(swarmId, 2).some((peer) => peer.peerId !== asker.peerId && mayName(peer, asker)),
      ),
  }
}
