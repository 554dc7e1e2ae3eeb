import type { Wheel } from '../../base/index.ts'
import type { Torrent } from '../torrent/index.ts'

/** While the header is later than this, trackers are asked for peers. */
const HEADER_LATE_MS = 100

export interface JoinLateInit {
  /** Whether the torrent is still the one for its swarm. */
  readonly isRunning: () => boolean
  readonly join: () => void
}

/** Trackers are asked for peers while the header is late, unless one was asked with the request for it. */
export function joinLate(wheel: Wheel, torrent: Torrent, { isRunning, join }: JoinLateInit): void {
  const look = wheel.alarm(() => {
    if (torrent.introducing && isRunning()) look.at(wheel.nowMs + HEADER_LATE_MS)
    else join()
  })
  look.at(wheel.nowMs + HEADER_LATE_MS)
}
