import type { Clock, Timer } from '../../base/index.ts'
import type { ByteRange } from '../../core/index.ts'
import type { ObjectRead } from '../backend.ts'

/** So long a body that was opened to learn its size waits for its reader. */
const HOLD_MS = 5_000
/** Bodies that wait; of more, the oldest is closed. */
const MAX_HELD = 64

/** Bodies of objects, or of their first units, that were opened when their size was asked, and wait for the read that follows. */
export interface HeldReads {
  /** What waits under the key, left there. */
  look(key: string): ObjectRead | undefined
  /** What waits under the key, for the one who asks first, if it is the range that he reads; without one, all of it. */
  take(key: string, range?: ByteRange): ObjectRead | undefined
  hold(key: string, object: ObjectRead): void
  /** Closes all of them. */
  close(): void
}

export function heldReads(clock: Clock): HeldReads {
  const held = new Map<string, { readonly object: ObjectRead; readonly timer: Timer }>()

  const remove = (key: string): ObjectRead | undefined => {
    const one = held.get(key)
    one?.timer.cancel()
    held.delete(key)
    return one?.object
  }
  const drop = (key: string) => void remove(key)?.body.destroy()

  const look = (key: string): ObjectRead | undefined => {
    const object = held.get(key)?.object
    if (object?.body.destroyed !== true) return object
    drop(key)
    return undefined
  }

  return {
    look,
    take(key, range) {
      const { size, unitBytes = size } = look(key) ?? {}
      const { start, end } = range ?? { start: 0, end: size }
      return start === 0 && end === unitBytes ? remove(key) : undefined
    },
    hold(key, object) {
      drop(key)
      const [oldest] = held.keys()
      if (held.size >= MAX_HELD && oldest !== undefined) drop(oldest)
      // Nobody listens yet; whoever reads it finds it destroyed.
      object.body.on('error', () => undefined)
      held.set(key, { object, timer: clock.setTimer(HOLD_MS, () => drop(key), { background: true }) })
    },
    close() {
      for (const key of [...held.keys()]) drop(key)
    },
  }
}
