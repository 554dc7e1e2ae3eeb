import type { SwarmId } from '../../core/index.ts'
import type { AnnounceSubject } from '../announce/index.ts'
import type { SeedRef } from '../outside.ts'
import type { Torrent } from '../torrent/index.ts'

/** An announce describes whatever torrent runs for the swarm at that moment. */
export function announcedTorrent(blob: SeedRef, swarmId: SwarmId, running: () => Torrent | undefined): AnnounceSubject {
  return {
    blob,
    swarmId,
    get leftBytes() {
      return running()?.leftBytes ?? 0
    },
    get wantedPeers() {
      return running()?.wantedPeers ?? 0
    },
    get underConnected() {
      return running()?.underConnected ?? false
    },
    reports: () => running()?.reports() ?? [],
    onAnswer: (peers) => running()?.offer(peers),
    onUnanswered: () => running()?.unanswered(),
  }
}
