/** Somebody who waits. `onTurn` is one event of its own: nobody else's call is under way. */
export interface Waiter {
  onTurn(): void
}

/** Who waits for something scarce, first come, first served. Who has come to its turn, or gives up, leaves. */
export interface WaitingLine {
  /** Stands in line, unless it does already. */
  join(waiter: Waiter): void
  leave(waiter: Waiter): void
  /** Somebody else is before it; for who does not wait, that is anybody. */
  isBehind(waiter: Waiter): boolean
  /** There may be something for the first one: it is told soon. */
  next(): void
}

export function waitingLine(): WaitingLine {
  const waiters = new Set<Waiter>()
  let telling = false
  const first = (): Waiter | undefined => waiters.values().next().value
  const next = () => {
    if (telling || waiters.size === 0) return
    telling = true
    queueMicrotask(() => {
      telling = false
      first()?.onTurn()
    })
  }
  return {
    next,
    join: (waiter) => void waiters.add(waiter),
    leave(waiter) {
      if (waiters.delete(waiter)) next()
    },
    isBehind(waiter) {
      const head = first()
      return head !== undefined && head !== waiter
    },
  }
}
