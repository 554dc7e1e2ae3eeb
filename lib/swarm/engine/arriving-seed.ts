import type { Torrent } from '../torrent/index.ts'
import type { ArrivingSeed } from './engine-contract.ts'

export interface ArrivingSeedInit {
  /** Whether the torrent is still the one for its swarm. */
  readonly isRunning: () => boolean
  readonly onWhole: () => void
  readonly onFailed: () => void
}

/** Of a blob without a swarm nobody is told. */
export const untold: ArrivingSeed = { arrived: () => undefined, whole: () => undefined, failed: () => undefined }

/** Tells a torrent of its pieces, until it is whole, has failed, or another has taken its place. */
export function arrivingSeed(torrent: Torrent, { isRunning, onWhole, onFailed }: ArrivingSeedInit): ArrivingSeed {
  const isArriving = () => isRunning() && torrent.given?.arriving === true
  return {
    arrived: (piece) => torrent.arrived(piece),
    whole() {
      if (!isArriving()) return
      torrent.given?.whole()
      onWhole()
    },
    failed() {
      if (isArriving()) onFailed()
    },
  }
}
