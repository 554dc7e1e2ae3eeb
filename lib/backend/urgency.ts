import { type ReadPriority, readPriorities } from '../core/index.ts'

/** How urgent a read is, as long as it has not ended: it may become more urgent, when somebody else wants its bytes. */
export interface Urgency {
  readonly priority: ReadPriority
  /** Calls `listener` each time it has become more urgent, until the function that it returns is called. */
  onRaise(listener: () => void): () => void
}

/** The urgency of one read, for the one who decides about it. */
export interface OwnUrgency extends Urgency {
  /** What is less urgent than it is changes nothing. */
  raise(priority: ReadPriority): void
}

/** Somebody waits for it: what is not said to be less urgent. */
export const mostUrgent: Urgency = { priority: 'onDemand', onRaise: () => () => undefined }

/** Place in the order of priorities, 0 for the most urgent. */
export const rankOf = (priority: ReadPriority): number => readPriorities.indexOf(priority)

export function urgency(priority: ReadPriority): OwnUrgency {
  let now = priority
  const listeners = new Set<() => void>()
  return {
    get priority() {
      return now
    },
    onRaise(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    raise(to) {
      if (rankOf(to) >= rankOf(now)) return
      now = to
      for (const listener of [...listeners]) listener()
    },
  }
}
