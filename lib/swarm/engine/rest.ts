import type { Clock, Timer } from '../../base/index.ts'
import type { TorrentTableComponents } from './torrent-table-contract.ts'

/** Notices that a node has had nothing to do for a while. */
export interface Rest {
  /** Call it on each change. */
  see(busy: boolean): void
  stop(): void
}

/** `onRest` is called once for each time without work that lasts `afterMs`. */
export function rest(
  clock: Clock,
  { afterMs, onRest }: { readonly afterMs: number; readonly onRest: () => void },
): Rest {
  let timer: Timer | undefined
  const stop = () => {
    timer?.cancel()
    timer = undefined
  }
  return {
    stop,
    see(busy) {
      if (busy) stop()
      else timer ??= clock.setTimer(afterMs, onRest, { background: true })
    },
  }
}

type IdleMemory = Pick<TorrentTableComponents, 'buffers' | 'slices' | 'lane' | 'collectGarbage'>

/** Gives back the memory that nothing needs while the node rests. */
export function letGo({ buffers, slices, lane, collectGarbage }: IdleMemory): void {
  for (const memory of [buffers, slices, lane.buffers]) memory.rest()
  collectGarbage?.()
}
