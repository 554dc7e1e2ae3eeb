import type { ServerResponse } from 'node:http'
import type { Clock, Timer } from '../base/index.ts'

/** An answer of which its client has taken nothing for this long is cut; half of this lies between two looks. */
const STUCK_MS = 120_000

export interface StuckReaders {
  /** Watches the answer until it closes. */
  watch(res: ServerResponse): void
  /** The answer has closed. */
  unwatch(res: ServerResponse): void
}

interface Seen {
  readonly takenBytes: number
  readonly atMs: number
}

/** Bytes that the system has taken of what waits on the connection; undefined when nothing waits. */
const takenOf = ({ socket }: ServerResponse): number | undefined =>
  socket === null || socket.writableLength === 0 ? undefined : socket.bytesWritten - socket.writableLength

/**
 * Finds the answers whose clients do not read: they hold memory, files and connections. One timer looks at all of them,
 * while there are any.
 */
export function stuckReaders(
  clock: Pick<Clock, 'setTimer' | 'monotonicMs'>,
  onStuck: (res: ServerResponse) => void,
): StuckReaders {
  const watched = new Map<ServerResponse, Seen | undefined>()
  let timer: Timer | undefined

  const look = (res: ServerResponse, seen: Seen | undefined) => {
    const takenBytes = takenOf(res)
    if (takenBytes === undefined) watched.set(res, undefined)
    else if (seen?.takenBytes !== takenBytes) watched.set(res, { takenBytes, atMs: clock.monotonicMs() })
    else if (clock.monotonicMs() - seen.atMs >= STUCK_MS) onStuck(res)
  }
  const plan = () => {
    const lookAtAll = () => {
      plan()
      for (const [res, seen] of [...watched]) look(res, seen)
    }
    timer = clock.setTimer(STUCK_MS / 2, lookAtAll, { background: true })
  }

  return {
    watch(res) {
      watched.set(res, undefined)
      if (timer === undefined) plan()
    },
    unwatch(res) {
      watched.delete(res)
      if (watched.size > 0) return
      timer?.cancel()
      timer = undefined
    },
  }
}
