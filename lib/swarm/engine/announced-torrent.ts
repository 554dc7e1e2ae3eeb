import type { SwarmId } from '../../core/index.ts'
import type { AnnounceSubject } from '../announce/index.ts'
import type { SeedRef } from '../outside.ts'
import type { Torrent } from '../torrent/index.ts'

export interface AnnouncedInit {
  readonly running: () => Torrent | undefined
  /** What is missing of a blob at rest; undefined when it is none. */
  readonly leftAtRest: () => number | undefined
}

/** An announce describes whatever torrent runs for the swarm at that moment, or the blob as it lies there. */
export function announcedTorrent(
  blob: SeedRef,
  swarmId: SwarmId,
  { running, leftAtRest }: AnnouncedInit,
): AnnounceSubject {
  return {
    blob,
    swarmId,
    get leftBytes() {
      return leftAtRest() ?? running()?.leftBytes ?? 0
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
